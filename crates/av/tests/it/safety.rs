//! Tests of inputs that refer to other files and URLs, and of what they may open.

use std::{fs, path::PathBuf, str::FromStr};

use moviola_av::{Demuxer, DemuxerOptions, Error, Io, Protocols, Remedy, Result};
use tempfile::TempDir;

use crate::clips::{clip, options};

/// A temporary folder with the files `in/a.ts` and `out.ts`.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir(folder.path("in")).unwrap();
        for name in ["in/a.ts", "out.ts"] {
            fs::copy(clip("mpeg2_field.ts"), folder.path(name)).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn url(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Writes the playlist `in/list.m3u8` of `segments`; returns its path.
    fn playlist(&self, segments: &[&str]) -> String {
        let mut text = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n".to_owned();
        for segment in segments {
            text += &format!("#EXTINF:1.0,\n{segment}\n");
        }
        fs::write(self.path("in/list.m3u8"), text + "#EXT-X-ENDLIST\n").unwrap();
        self.url("in/list.m3u8")
    }

    /// Writes a list in FFmpeg's concat format; returns its path.
    fn concat(&self, files: &[&str]) -> String {
        let lines = files.iter().map(|file| format!("file {file}\n")).collect::<String>();
        fs::write(self.path("in/list.txt"), format!("ffconcat version 1.0\n{lines}")).unwrap();
        self.url("in/list.txt")
    }
}

/// Reads all packets; returns their number.
fn read(options: DemuxerOptions) -> Result<usize> {
    let mut demuxer = Demuxer::open(options)?;
    let mut packets = 0;
    while demuxer.read_packet()?.is_some() {
        packets += 1;
    }
    Ok(packets)
}

fn read_url(url: &str) -> Result<usize> {
    read(options(url))
}

#[track_caller]
fn check_refused(result: Result<usize>, target: &str, protocol: &str) {
    let Err(Error::Refused { target: got, remedy, .. }) = &result else { panic!("{result:?}") };
    assert!(got.contains(target), "{got}");
    assert_eq!(*remedy, Remedy::AllowProtocol(protocol.into()));
}

#[test]
fn a_playlist_opens_the_files_of_its_folder() {
    let folder = Folder::new();
    let one = read_url(&folder.url("in/a.ts")).unwrap();
    let two = read_url(&folder.playlist(&["a.ts", "a.ts"])).unwrap();
    assert!(two > one, "{two} packets of two segments, {one} of one");
}

#[test]
fn a_playlist_in_memory_finds_its_files_by_its_url() {
    let folder = Folder::new();
    let url = folder.playlist(&["a.ts"]);
    let io = Some(Io::bytes(fs::read(&url).unwrap()));
    assert!(read(DemuxerOptions { io, ..options(&url) }).unwrap() > 0);
}

#[test]
fn a_playlist_opens_no_files_outside_its_folder() {
    let folder = Folder::new();
    check_refused(read_url(&folder.playlist(&["a.ts", "../out.ts"])), "out.ts", "file");
    check_refused(read_url(&folder.playlist(&[&folder.url("out.ts")])), "out.ts", "file");
    let file_url = format!("file://{}", folder.url("out.ts"));
    check_refused(read_url(&folder.playlist(&[&file_url])), "out.ts", "file");
    // FFmpeg itself refuses files that are not named like segments.
    assert!(read_url(&clip("playlist_parent.m3u8")).is_err());
}

#[test]
fn a_local_playlist_opens_no_network() {
    let folder = Folder::new();
    check_refused(read_url(&clip("playlist_elsewhere.m3u8")), "http://192.0.2.1", "http");
    // The same with a server that would answer.
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let segment = format!("http://{}/a.ts", server.local_addr().unwrap());
    check_refused(read_url(&folder.playlist(&[&segment])), "http://127.0.0.1", "http");
    assert!(server.accept().is_err(), "there was a connection");
}

#[test]
fn the_caller_can_allow_more() {
    let folder = Folder::new();
    let url = folder.playlist(&["a.ts", "../out.ts"]);
    let allow_protocols = Protocols::from_str("file").unwrap();
    assert!(read(DemuxerOptions { allow_protocols, ..options(&url) }).unwrap() > 0);
}

#[test]
fn a_concat_list_opens_files_of_its_folder_and_no_playlists() {
    let folder = Folder::new();
    let one = read_url(&folder.url("in/a.ts")).unwrap();
    assert!(read_url(&folder.concat(&["a.ts", "a.ts"])).unwrap() > one);
    assert!(read_url(&folder.concat(&["../out.ts"])).is_err());
    assert!(read_url(&folder.concat(&[&folder.url("out.ts")])).is_err());
    // FFmpeg does not pass the rules on to a playlist in the list, which could open anything.
    folder.playlist(&[&folder.url("out.ts")]);
    assert!(read_url(&folder.concat(&["list.m3u8"])).is_err());
}

/// Answers one request for `http://…/{name}` with `body`; returns the result of `work` on the URL.
fn serve<T>(name: &str, head: &str, body: &[u8], work: impl FnOnce(&str) -> T) -> T {
    use std::io::{Read, Write};
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/{name}", server.local_addr().unwrap());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut client, _) = server.accept().unwrap();
            let _ = client.read(&mut [0; 4096]);
            client.write_all(format!("HTTP/1.0 200 OK\r\n{head}\r\n").as_bytes()).unwrap();
            // The client may close the connection early.
            let _ = client.write_all(body);
        });
        work(&url)
    })
}

#[test]
fn a_remote_playlist_opens_no_local_file() {
    let folder = Folder::new();
    let list = fs::read(folder.playlist(&[&format!("file://{}", folder.url("out.ts"))])).unwrap();
    let head = format!("Content-Length: {}\r\n", list.len());
    let result = serve("list.m3u8", &head, &list, read_url);
    assert!(result.is_err(), "{result:?}");
    if let Err(Error::Refused { target, .. }) = result {
        assert!(target.contains("out.ts"));
    }
}

#[test]
fn a_server_may_omit_the_length() {
    for name in ["mpeg2_field.ts", "fragmented.mp4", "webm_no_cues.webm"] {
        let body = fs::read(clip(name)).unwrap();
        let want = read_url(&clip(name)).unwrap();
        assert_eq!(serve(name, "", &body, read_url), Ok(want), "{name}");
        let head = format!("Content-Length: {}\r\n", body.len());
        assert_eq!(serve(name, &head, &body, read_url), Ok(want), "{name}, with a length");
    }
}
