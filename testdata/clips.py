"""The clips that ffmpeg makes: codecs, containers, geometry, timestamps.

Each recipe is a function named after its clip; its docstring says what the clip exercises.
"""

from recipe import EXACT, X264, X265, X265_EXACT, picture, tone

CLIPS = {}


def clip(name):
    """Registers the recipe of the file `name`."""
    def register(make):
        CLIPS[name] = make
        return make
    return register


def h264(recipe, *options, source=None, output=None):
    """An H.264 file from the test card."""
    recipe.ffmpeg(*(source or picture()), *X264, *options, *EXACT, output or recipe.name)


@clip("h264_bframes.mp4")
def h264_bframes(r):
    """H.264 with B-frames in closed GOPs, and AAC: decode order is not presentation order."""
    r.ffmpeg(*picture(seconds=3), *tone(3), *X264, "-g", 12, "-bf", 3, "-flags", "+cgop",
             "-x264-params", "b-adapt=0", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "48k", *EXACT, r.name)


@clip("h264_trial.mp4")
def h264_trial(r):
    """H.264 that every hardware decoder supports: `doctor` tries decoders with it."""
    h264(r, "-g", 2, "-bf", 0, "-crf", 35, "-profile:v", "high", "-pix_fmt", "yuv420p", "-color_range", "tv",
         source=picture(size="320x192", rate=5, seconds=0.8))


@clip("h264_opengop.ts")
def h264_opengop(r):
    """Open GOPs: keyframes after the first are recovery points, and B-frames after them refer to earlier frames."""
    h264(r, "-g", 12, "-bf", 3, "-x264-params", "open-gop=1:b-adapt=0:bframes=3", "-pix_fmt", "yuv420p")


@clip("h264_intra_refresh.mp4")
def h264_intra_refresh(r):
    """Gradual refresh: one IDR, then P-frames with recovery_frame_cnt 11, which the index marks as sync samples."""
    h264(r, "-g", 12, "-x264-params", "intra-refresh=1:keyint=12:bframes=0", "-pix_fmt", "yuv420p")


@clip("h264_intra_refresh.ts")
def h264_intra_refresh_ts(r):
    """The same stream in a transport stream, with parameter sets in band."""
    r.ffmpeg("-i", "h264_intra_refresh.mp4", "-c", "copy", *EXACT, r.name)


@clip("h264_intra_refresh.mkv")
def h264_intra_refresh_mkv(r):
    """The same stream in Matroska, whose cues list the refresh points as keyframes."""
    r.ffmpeg("-i", "h264_intra_refresh.mp4", "-c", "copy", *EXACT, r.name)


@clip("h264_mbaff.mp4")
def h264_mbaff(r):
    """Interlaced H.264 with frame or field coding per macroblock pair (MBAFF), top field first."""
    h264(r, "-vf", "tinterlace=interleave_top", "-flags", "+ildct+ilme", "-x264-params", "tff=1",
         "-g", 6, "-bf", 2, "-pix_fmt", "yuv420p", source=picture(rate=50))


@clip("h264_422_10.mp4")
def h264_422_10(r):
    """H.264 High 4:2:2, 10 bits."""
    h264(r, "-g", 10, "-pix_fmt", "yuv422p10le", source=picture("192x108"))


@clip("h264_444.mp4")
def h264_444(r):
    """H.264 High 4:4:4, 8 bits."""
    h264(r, "-g", 10, "-pix_fmt", "yuv444p", source=picture("192x108"))


@clip("gray.mp4")
def gray(r):
    """HEVC 4:0:0: frames of one plane."""
    r.ffmpeg(*picture("192x108"), *X265, "-x265-params", f"open-gop=0:keyint=10:min-keyint=10:{X265_EXACT}",
             "-pix_fmt", "gray", *EXACT, r.name)


@clip("h264_400.mp4")
def h264_400(r):
    """H.264 4:0:0, which FFmpeg decodes as 4:2:0 with flat chroma; full range."""
    h264(r, "-g", 10, "-pix_fmt", "gray", source=picture("192x108"))


@clip("hevc_cra.mp4")
def hevc_cra(r):
    """HEVC with open GOPs: keyframes after the first are CRA pictures with leading (RASL) pictures."""
    r.ffmpeg(*picture(), *X265, "-x265-params",
             f"open-gop=1:keyint=12:min-keyint=12:bframes=3:b-adapt=0:{X265_EXACT}",
             "-pix_fmt", "yuv420p", *EXACT, r.name)


@clip("hevc_10bit.mp4")
def hevc_10bit(r):
    """HEVC Main 10 with closed GOPs (IDR pictures)."""
    r.ffmpeg(*picture("192x108"), *X265, "-x265-params",
             f"open-gop=0:keyint=10:min-keyint=10:{X265_EXACT}",
             "-pix_fmt", "yuv420p10le", *EXACT, r.name)


@clip("av1.mkv")
def av1(r):
    """AV1 in Matroska."""
    r.ffmpeg(*picture("192x108"), "-c:v", "libaom-av1", "-cpu-used", 6, "-threads", 1, "-crf", 40, "-g", 10,
             "-pix_fmt", "yuv420p", *EXACT, r.name)


def two_passes(recipe, codec, audio, *options):
    """VP8 or VP9 with hidden alternate-reference frames, which take a look ahead in a first pass."""
    options = ["-c:v", codec, "-threads", 1, "-b:v", "220k", "-g", 24, "-auto-alt-ref", 1, "-lag-in-frames", 16,
               "-passlogfile", recipe.part("passes"), "-pix_fmt", "yuv420p", *options]
    recipe.ffmpeg(*picture("192x108", seconds=3), *options, "-pass", 1, *EXACT, "-f", "null", "-")
    recipe.ffmpeg(*picture("192x108", seconds=3), *tone(3), *options, "-pass", 2, *audio, *EXACT, recipe.name)


@clip("vp9.webm")
def vp9(r):
    """VP9 with hidden frames in superframes, and Opus."""
    two_passes(r, "libvpx-vp9", ["-c:a", "libopus", "-b:a", "32k"])


@clip("vp8.webm")
def vp8(r):
    """VP8 with hidden frames, which are packets without a shown frame, and Vorbis."""
    two_passes(r, "libvpx", ["-c:a", "libvorbis"])


@clip("mpeg2_field.ts")
def mpeg2_field(r):
    """Interlaced MPEG-2 with field DCT and field motion, B-frames, MP2 audio, in a transport stream."""
    r.ffmpeg(*picture("352x288", 50), *tone(), "-vf", "tinterlace=interleave_top", "-c:v", "mpeg2video",
             "-threads", 1, "-flags", "+ildct+ilme", "-top", 1, "-g", 10, "-bf", 2, "-qscale:v", 14, "-pix_fmt",
             "yuv420p", "-c:a", "mp2", "-b:a", "64k", "-fflags", "+bitexact", "-flags:a", "+bitexact", r.name)


@clip("mpeg4.avi")
def mpeg4(r):
    """MPEG-4 part 2 in AVI, B-frames included: AVI has no presentation times."""
    r.ffmpeg(*picture("192x108"), "-c:v", "mpeg4", "-threads", 1, "-g", 10, "-bf", 2, "-qscale:v", 6, "-pix_fmt",
             "yuv420p", *EXACT, r.name)


@clip("mjpeg.avi")
def mjpeg(r):
    """Motion JPEG: every frame is a keyframe, full range, 4:2:2."""
    r.ffmpeg(*picture("160x120", 10), "-c:v", "mjpeg", "-threads", 1, "-qscale:v", 8, "-pix_fmt", "yuvj422p",
             *EXACT, r.name)


@clip("prores.mov")
def prores(r):
    """ProRes in QuickTime: 4:2:2, 10 bits, every frame a keyframe."""
    r.ffmpeg(*picture("128x96", 10, 1), "-c:v", "prores_ks", "-threads", 1, "-profile:v", "proxy", "-qscale:v", 20,
             "-pix_fmt", "yuv422p10le", *EXACT, r.name)


def rotated(recipe, transpose, degrees):
    """Codes the test card turned, and tells players how far to turn it back, clockwise.

    The option counts the other way round, as ffmpeg 5.1 reads it.
    """
    coded = recipe.part("coded.mp4")
    h264(recipe, "-vf", transpose, "-g", 10, "-pix_fmt", "yuv420p", output=coded)
    recipe.ffmpeg("-i", coded, "-c", "copy", *EXACT, "-metadata:s:v:0", f"rotate={360 - degrees}", recipe.name)


@clip("rotated_90.mp4")
def rotated_90(r):
    """A display matrix: coded 180x320, shown 320x180 after a quarter turn clockwise."""
    rotated(r, "transpose=cclock", 90)


@clip("rotated_180.mp4")
def rotated_180(r):
    """A display matrix that rotates frames by 180 degrees; upright they show the usual test card."""
    rotated(r, "hflip,vflip", 180)


@clip("rotated_270.mp4")
def rotated_270(r):
    """A display matrix: coded 180x320, shown 320x180 after a quarter turn anticlockwise."""
    rotated(r, "transpose=clock", 270)


@clip("sar_2x1.mp4")
def sar_2x1(r):
    """Pixels twice as wide as high: coded 160x180, shown 320x180."""
    h264(r, "-vf", "scale=160:180,setsar=2/1", "-g", 10, "-pix_fmt", "yuv420p")


@clip("edit_list.mp4")
def edit_list(r):
    """An edit list that starts 0.28 s into a GOP: the frames before it are decoded, but not shown."""
    whole = r.part("whole.mp4")
    h264(r, "-g", 25, "-bf", 2, "-pix_fmt", "yuv420p", source=picture(seconds=3), output=whole)
    r.ffmpeg("-ss", 1.28, "-i", whole, "-c", "copy", *EXACT, r.name)


@clip("negative_start.mkv")
def negative_start(r):
    """Audio that starts 7 ms before the video and before zero: Opus with its codec delay."""
    r.ffmpeg(*picture(), *tone(), *X264, "-g", 10, "-bf", 2, "-pix_fmt", "yuv420p", "-c:a", "libopus", "-b:a", "32k",
             *EXACT, r.name)


@clip("untimed_start.mkv")
def untimed_start(r):
    """Blocks before zero, which Matroska can't store: the first GOP has no presentation times."""
    h264(r, "-g", 10, "-bf", 2, "-pix_fmt", "yuv420p", "-output_ts_offset", "-0.4", "-avoid_negative_ts", "disabled")


@clip("same_times.mkv")
def same_times(r):
    """Every fifth frame, and a keyframe, have the time of the frame before."""
    whole = r.part("whole.mkv")
    h264(r, "-g", 12, "-bf", 0, "-pix_fmt", "yuv420p", source=picture("192x108"), output=whole)
    r.ffmpeg("-i", whole, "-c", "copy", "-bsf:v", "setts=ts=if(mod(N\\,5)*mod(N+1\\,13)+not(N)\\,TS\\,PREV_OUTPTS)", *EXACT, r.name)


@clip("resolution_change.ts")
def resolution_change(r):
    """Two frame sizes in one stream: new parameter sets in band after one second."""
    two_sizes(r, "320x180", "192x108")


@clip("resolution_grows.ts")
def resolution_grows(r):
    """Two frame sizes in one stream, the second one larger, so that a limit can be between them."""
    two_sizes(r, "192x108", "320x180")


def two_sizes(r, *sizes):
    """A second of each size."""
    first, second = r.part("first.ts"), r.part("second.ts")
    options = ("-g", 10, "-bf", 0, "-pix_fmt", "yuv420p")
    h264(r, *options, source=picture(sizes[0], seconds=1), output=first)
    h264(r, *options, "-output_ts_offset", 1, source=picture(sizes[1], seconds=1), output=second)
    r.join(first, second)


@clip("resolution_change.flv")
def resolution_change_flv(r):
    """Two frame sizes in one stream: a restarted encoder sends another sequence header."""
    first, second = r.part("first.flv"), r.part("second.flv")
    options = ("-g", 10, "-bf", 0, "-pix_fmt", "yuv420p", "-flvflags", "no_metadata+no_sequence_end+no_duration_filesize")
    h264(r, *options, source=picture(seconds=1), output=first)
    h264(r, *options, "-output_ts_offset", 1, source=picture("192x108", seconds=1), output=second)
    header = 13  # the file's own, and the size of no tag before it
    r.write(first.read_bytes() + second.read_bytes()[header:], f"{first}, then {second} without its {header}-byte header")


@clip("parameter_sets_once.h264")
def parameter_sets_once(r):
    """Raw H.264 with several IDR pictures, and SPS and PPS only at the start."""
    first, rest = r.part("first.h264"), r.part("rest.h264")
    options = ("-g", 10, "-bf", 0, "-pix_fmt", "yuv420p")
    h264(r, *options, output=r.part("whole.h264"))
    r.ffmpeg("-i", r.part("whole.h264"), "-c", "copy", "-frames:v", 10, first)
    r.ffmpeg("-i", r.part("whole.h264"), "-c", "copy", "-bsf:v", "noise=drop=lt(n\\,10),filter_units=remove_types=6-8",
             rest)
    r.join(first, rest)


def alternate(recipe, *variants):
    """Four GOPs of raw H.264, encoded in turn with one and the other list of options."""
    parts = []
    for index in range(4):
        parts.append(recipe.part(f"{index}.h264"))
        h264(recipe, "-vf", f"trim=start_frame={index * 10}:end_frame={index * 10 + 10}", "-g", 10, "-bf", 0,
             *variants[index % 2], "-pix_fmt", "yuv420p", output=parts[-1])
    recipe.join(*parts)


@clip("parameter_sets_change.h264")
def parameter_sets_change(r):
    """Raw H.264 whose SPS 0 and PPS 0 change at every IDR picture."""
    alternate(r, ["-x264-params", "cabac=1:ref=4:8x8dct=1"], ["-x264-params", "cabac=0:ref=1:8x8dct=0"])


@clip("parameter_sets_ids.h264")
def parameter_sets_ids(r):
    """Raw H.264 that alternates between two parameter sets with different ids."""
    alternate(r, ["-x264-params", "cabac=1:ref=4:sps-id=0"], ["-x264-params", "cabac=0:ref=1:sps-id=1"])


@clip("audio_only.m4a")
def audio_only(r):
    """Audio without video."""
    r.ffmpeg(*tone(1), "-c:a", "aac", "-b:a", "48k", *EXACT, r.name)


@clip("cover_art_only.mp3")
def cover_art_only(r):
    """Audio with cover art, which is not video."""
    cover = r.part("cover.png")
    r.ffmpeg(*picture("128x128", 1, 1), "-frames:v", 1, cover)
    r.ffmpeg(*tone(1), "-i", cover, "-map", "0:a", "-map", "1:v", "-c:a", "libmp3lame", "-b:a", "48k", "-c:v", "copy",
             "-disposition:v", "attached_pic", "-id3v2_version", 3, *EXACT, r.name)


@clip("still.jpg")
def still(r):
    """An image, opened as a video of one frame."""
    r.ffmpeg(*picture(rate=1, seconds=1), "-frames:v", 1, "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-qscale:v", 4,
             *EXACT, r.name)


@clip("streams.mkv")
def streams(r):
    """Two streams of video and three of audio, in three languages."""
    r.ffmpeg("-i", "h264_trial.mp4", "-i", "hevc_10bit.mp4", "-i", "audio_opus.ogg", "-i", "audio_only.m4a",
             "-i", "audio_lame_8khz.mp3", "-map", "0:v", "-map", "1:v", "-map", "2:a", "-map", "3:a", "-map", "4:a",
             "-c", "copy", *EXACT, "-metadata:s:a:0", "language=ger", "-metadata:s:a:1", "language=eng",
             "-metadata:s:a:2", "language=fre", "-disposition:v", 0, "-disposition:a", 0, r.name)


@clip("webm_no_cues.webm")
def webm_no_cues(r):
    """WebM as a live writer leaves it: no cues, no duration, clusters of unknown size."""
    r.ffmpeg(*picture("192x108"), "-c:v", "libvpx-vp9", "-threads", 1, "-crf", 40, "-b:v", 0, "-g", 10, "-pix_fmt",
             "yuv420p", *EXACT, "-f", "webm", "-live", 1, r.name)


@clip("cues.mkv")
def cues(r):
    """Ten seconds and twenty GOPs with complete cues: seeking by index."""
    h264(r, "-g", 5, "-bf", 2, "-crf", 30, "-pix_fmt", "yuv420p", source=picture("192x108", 10, 10))


@clip("fragmented.mp4")
def fragmented(r):
    """Fragmented MP4: an empty moov, then one fragment per GOP, with audio and video."""
    r.ffmpeg(*picture("192x108", seconds=3), *tone(3), *X264, "-g", 10, "-bf", 2, "-pix_fmt", "yuv420p", "-c:a", "aac",
             "-b:a", "32k", *EXACT, "-movflags", "+frag_keyframe+empty_moov+default_base_moof", r.name)


@clip("audio_gap.ts")
def audio_gap(r):
    """Ten audio packets are missing in the middle: a gap of 240 ms."""
    r.ffmpeg(*tone(), "-c:a", "mp2", "-b:a", "64k", "-bsf:a", "noise=amount=0:drop=between(n\\,40\\,49)", *EXACT, r.name)


@clip("audio_damaged.m4a")
def audio_damaged(r):
    """Noise in a few packets of AAC."""
    r.ffmpeg(*tone(), "-c:a", "aac", "-b:a", "48k", "-bsf:a", "noise=amount=if(between(n\\,40\\,43)\\,1\\,0)", *EXACT,
             r.name)


@clip("audio_lame_8khz.mp3")
def audio_lame_8khz(r):
    """Mono at 8 kHz; the header declares the samples that LAME added at the start and the end."""
    r.ffmpeg(*tone(), "-ac", 1, "-ar", 8000, "-c:a", "libmp3lame", "-b:a", "16k", *EXACT, r.name)


@clip("audio_opus.ogg")
def audio_opus(r):
    """Stereo Opus in Ogg: 312 samples to skip, and an end in the middle of a packet."""
    r.ffmpeg(*tone(1.99), *tone(1.99, 660), "-filter_complex", "[0][1]join=inputs=2:channel_layout=stereo",
             "-c:a", "libopus", "-b:a", "32k", *EXACT, r.name)
