//! Records and images of keyframes.

use std::{collections::HashSet, fs, path::Path};

use serde_json::{Value, json};

use crate::support::{clip, files_in, run};

#[test]
fn records_come_in_order_and_agree_with_the_clip() {
    let clip = clip("h264_bframes.mp4");
    let run = run(["keyframes", &clip]).exits(0);
    let records = run.records();
    let kinds: Vec<_> = records.iter().map(|record| record["type"].as_str().unwrap()).collect();
    assert_eq!(kinds[0], "source");
    assert_eq!(kinds[8], "end");
    assert!(kinds[1..8].iter().all(|kind| *kind == "keyframe"), "{kinds:?}");
    for (index, keyframe) in run.of("keyframe").iter().enumerate() {
        assert_eq!(keyframe["source"], clip.as_str());
        assert_eq!(keyframe["index"], index);
        assert_eq!(keyframe["frame"], 12 * index);
        assert_eq!((&keyframe["width"], &keyframe["height"]), (&json!(320), &json!(180)));
        let base = keyframe["time_base"].as_array().unwrap();
        let tick = base[0].as_f64().unwrap() / base[1].as_f64().unwrap();
        let gop = 12.0 / 25.0;
        assert!((keyframe["time"].as_f64().unwrap() - gop * index as f64).abs() < 1e-6);
        assert!(keyframe["pts"].as_f64().unwrap() * tick >= gop * index as f64 - 1e-6);
        assert!(keyframe.get("path").is_none() && keyframe.get("md5").is_none());
    }
    let end = run.one("end");
    assert_eq!(
        (&end["frames"], &end["keyframes"], &end["errors"]),
        (&json!(7), &json!(7), &json!(0))
    );
}

#[test]
fn the_source_record_says_what_the_clip_is() {
    let clip = clip("h264_bframes.mp4");
    let source = run(["keyframes", &clip]).exits(0).one("source");
    assert_eq!(source["schema"], 1);
    assert_eq!(source["source"], clip.as_str());
    assert_eq!(source["container"], "mov,mp4,m4a,3gp,3g2,mj2");
    assert!((source["duration"].as_f64().unwrap() - 3.0).abs() < 0.1);
    let video = &source["video"];
    assert_eq!(video["codec"], "h264");
    assert_eq!((&video["width"], &video["height"]), (&json!(320), &json!(180)));
    assert_eq!(video["frame_rate"], 25.0);
    assert_eq!(video["rotation"], 0);
    assert_eq!(video["pixel_format"], "yuv420p");
    assert_eq!(source["audio"]["codec"], "aac");
    assert_eq!(
        (&source["audio"]["sample_rate"], &source["audio"]["channels"]),
        (&json!(48000), &json!(1))
    );
}

#[test]
fn colour_comes_from_the_pictures() {
    let video = |name: &str| run(["keyframes", &clip(name)]).exits(0).one("source")["video"].take();
    let hd = video("colorbars_bt709_limited.mp4");
    assert_eq!(hd["color"], json!({"matrix": "bt709", "range": "limited"}));
    let full = video("colorbars_bt601_full.mp4");
    assert_eq!(full["color"]["range"], "full");
    let deep = video("colorbars_bt2020_limited_10bit.mp4");
    assert_eq!(deep["pixel_format"], "yuv420p10le");
    assert_eq!(deep["color"]["matrix"], "bt2020nc");
}

#[test]
fn images_are_where_the_records_say() {
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().to_str().unwrap();
    let run = run(["keyframes", &clip("h264_bframes.mp4"), "-o", folder]).exits(0);
    for (index, keyframe) in run.of("keyframe").iter().enumerate() {
        let path = Path::new(keyframe["path"].as_str().unwrap());
        assert_eq!(path, out.path().join(format!("h264_bframes/{index:05}.jpg")));
        let image = fs::read(path).unwrap();
        assert_eq!(image[..3], [0xff, 0xd8, 0xff]);
        assert_eq!(size_of_jpeg(&image), (320, 180));
    }
    assert_eq!(files_in(out.path()).len(), 7);
}

#[test]
fn images_can_be_png() {
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().to_str().unwrap();
    let args = ["keyframes", &clip("gray.mp4"), "-o", folder, "--format", "png"];
    let run = run(args).exits(0);
    let path = run.of("keyframe")[4]["path"].as_str().unwrap().to_owned();
    assert!(path.ends_with("gray/00004.png"));
    assert_eq!(fs::read(path).unwrap()[..8], *b"\x89PNG\r\n\x1a\n");
}

#[test]
fn without_images_nothing_is_written() {
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().join("out");
    let args = ["keyframes", &clip("gray.mp4"), "-o", folder.to_str().unwrap(), "--format", "none"];
    assert_eq!(run(args).exits(0).of("keyframe").len(), 5);
    assert!(!folder.exists());
}

/// Size of the images and of the records with `options`.
#[track_caller]
fn check_size(name: &str, options: &[&str], want: (u64, u64)) {
    let out = tempfile::tempdir().unwrap();
    let clip = clip(name);
    let args = ["keyframes", &clip, "-o", out.path().to_str().unwrap()];
    let run = run(args.iter().chain(options)).exits(0);
    let keyframe = &run.of("keyframe")[0];
    let size =
        |record: &Value| (record["width"].as_u64().unwrap(), record["height"].as_u64().unwrap());
    assert_eq!(size(keyframe), want, "{keyframe}");
    let image = fs::read(keyframe["path"].as_str().unwrap()).unwrap();
    assert_eq!(size_of_jpeg(&image), want);
}

#[test]
fn pictures_are_upright_with_square_pixels_unless_coded() {
    check_size("rotated_90.mp4", &[], (320, 180));
    check_size("rotated_90.mp4", &["--coded"], (180, 320));
    check_size("rotated_180.mp4", &[], (320, 180));
    check_size("sar_2x1.mp4", &[], (320, 180));
    check_size("sar_2x1.mp4", &["--coded"], (160, 180));
}

#[test]
fn images_shrink_to_fit_and_never_grow() {
    check_size("h264_bframes.mp4", &["--max-size", "160x160"], (160, 90));
    check_size("h264_bframes.mp4", &["--max-size", "4000x45"], (80, 45));
    check_size("h264_bframes.mp4", &["--max-size", "4000x4000"], (320, 180));
    check_size("rotated_270.mp4", &["--max-size", "160x160"], (160, 90));
}

#[test]
fn the_rotation_is_in_the_source_record() {
    for (name, rotation) in
        [("rotated_90.mp4", 90), ("rotated_180.mp4", 180), ("rotated_270.mp4", 270)]
    {
        let source = run(["keyframes", &clip(name)]).exits(0).one("source");
        assert_eq!(source["video"]["rotation"], rotation, "{name}");
    }
}

#[test]
fn quality_changes_the_size_of_the_file() {
    let bytes = |quality: &str| {
        let out = tempfile::tempdir().unwrap();
        let clip = clip("h264_bframes.mp4");
        run(["keyframes", &clip, "-o", out.path().to_str().unwrap(), "--quality", quality])
            .exits(0);
        fs::metadata(out.path().join("h264_bframes/00000.jpg")).unwrap().len()
    };
    assert!(bytes("30") * 2 < bytes("95"));
}

#[test]
fn equal_stems_get_a_number() {
    let (inputs, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let copies: Vec<_> = ["x", "y"].map(|folder| inputs.path().join(folder).join("a.mp4")).into();
    for copy in &copies {
        fs::create_dir(copy.parent().unwrap()).unwrap();
        fs::copy(clip("gray.mp4"), copy).unwrap();
    }
    let [first, second] = [&copies[0], &copies[1]].map(|path| path.to_str().unwrap());
    run(["keyframes", first, second, "-o", out.path().to_str().unwrap()]).exits(0);
    let folders: HashSet<_> =
        files_in(out.path()).iter().map(|path| path.parent().unwrap().to_owned()).collect();
    assert_eq!(folders, ["a", "a-2"].map(Into::into).into());
}

#[test]
fn nothing_is_overwritten_unless_asked_for() {
    let out = tempfile::tempdir().unwrap();
    let clip = clip("gray.mp4");
    let args = ["keyframes", &clip, "-o", out.path().to_str().unwrap()];
    run(args).exits(0);
    let image = out.path().join("gray/00000.jpg");
    fs::write(&image, "precious").unwrap();
    let refused = run(args).exits(2);
    refused.says("--overwrite");
    assert_eq!(refused.one("error")["stage"], "write");
    assert_eq!(fs::read_to_string(&image).unwrap(), "precious");
    run(args.iter().chain(&["--overwrite"])).exits(0);
    assert_eq!(fs::read(&image).unwrap()[..2], [0xff, 0xd8]);
    assert_eq!(files_in(out.path()).len(), 5);
}

#[test]
fn one_refused_folder_costs_only_its_source() {
    let out = tempfile::tempdir().unwrap();
    fs::create_dir(out.path().join("gray")).unwrap();
    fs::write(out.path().join("gray/00000.jpg"), "precious").unwrap();
    let (first, second) = (clip("gray.mp4"), clip("vp9.webm"));
    let run = run(["keyframes", &first, &second, "-o", out.path().to_str().unwrap()]).exits(3);
    assert_eq!(run.one("error")["source"], first.as_str());
    assert!(run.of("keyframe").iter().all(|keyframe| keyframe["source"] == second.as_str()));
    assert_eq!(run.one("summary")["done"], 1);
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("file");
    fs::write(&file, "").unwrap();
    let run = run(["keyframes", &clip("gray.mp4"), "-o", file.to_str().unwrap()]).exits(2);
    assert_eq!(run.one("error")["stage"], "write");
}

#[test]
fn a_damaged_keyframe_is_marked_and_the_others_are_whole() {
    let run = run(["keyframes", &clip("damaged_keyframe.mp4")]);
    assert!(matches!(run.code, Some(0 | 3)), "{run:?}");
    let told = run.of("keyframe").iter().filter(|keyframe| keyframe["damaged"] == true).count();
    assert_eq!(told + run.of("error").len(), 1, "{run:?}");
    assert!(run.of("keyframe").len() >= 4);
}

#[test]
fn results_do_not_depend_on_the_number_of_cores() {
    let clip = clip("h264_opengop.ts");
    let all = run(["keyframes", &clip, "--hash"]).exits(0).of("keyframe");
    let output = std::process::Command::new("taskset")
        .args(["-c", "0", env!("CARGO_BIN_EXE_moviola"), "keyframes", &clip, "--hash"])
        .output();
    let Ok(output) = output else { return eprintln!("skipped: no taskset on this machine") };
    assert_eq!(crate::support::Run::from(output).exits(0).of("keyframe"), all);
}

/// The MD5 of a clip's pictures as ffmpeg prints them, those that Moviola calls keyframes.
#[track_caller]
fn check_hashes(ffmpeg: &str, name: &str) {
    let clip = clip(name);
    let reference = std::process::Command::new(ffmpeg)
        .args(["-v", "error", "-noautorotate", "-i", &clip, "-map", "0:v:0", "-noautoscale"])
        .args(["-fps_mode", "passthrough", "-f", "framemd5", "-"])
        .output()
        .unwrap();
    let reference = String::from_utf8(reference.stdout).unwrap();
    let frames: HashSet<&str> = reference
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.rsplit(',').next().unwrap().trim())
        .collect();
    let keyframes = run(["keyframes", &clip, "--hash"]).exits(0).of("keyframe");
    assert!(!keyframes.is_empty(), "{name}");
    for keyframe in keyframes {
        assert!(frames.contains(keyframe["md5"].as_str().unwrap()), "{name}: {keyframe}");
    }
}

#[test]
fn hashes_are_those_of_ffmpeg() {
    let Some(ffmpeg) = option_env!("MOVIOLA_FFMPEG").filter(|path| Path::new(path).exists()) else {
        return eprintln!("skipped: the reference ffmpeg was not built");
    };
    for name in [
        "h264_bframes.mp4",
        "h264_422_10.mp4",
        "h264_444.mp4",
        "h264_mbaff.mp4",
        "h264_paff.ts",
        "hevc_10bit.mp4",
        "hevc_cra.mp4",
        "mpeg2_field.ts",
        "mpeg4.avi",
        "mjpeg.avi",
        "prores.mov",
        "vp8.webm",
        "vp9.webm",
        "av1.mkv",
        "gray.mp4",
        "rotated_90.mp4",
        "parameter_sets_change.h264",
        "resolution_change.ts",
        "still.jpg",
    ] {
        check_hashes(ffmpeg, name);
    }
}

/// Width and height from a JPEG's frame header.
#[track_caller]
fn size_of_jpeg(image: &[u8]) -> (u64, u64) {
    let mut rest = &image[2..];
    loop {
        let length = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
        if matches!(rest[1], 0xc0..=0xc2) {
            let side = |at: usize| u64::from(u16::from_be_bytes([rest[at], rest[at + 1]]));
            return (side(7), side(5));
        }
        rest = &rest[2 + length..];
    }
}
