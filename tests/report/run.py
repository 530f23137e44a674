"""Tests reports in a browser, light and dark: no script errors, no overlaps, nothing cut off.

`python3 tests/report/run.py MOVIOLA [FOLDER]`. Prints a line and skips without Chromium. With a FOLDER, writes
screenshots there.
"""

import html
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
HERE = pathlib.Path(__file__).resolve().parent
TESTDATA = HERE.parents[1] / "testdata"
PROBE = (HERE / "probe.js").read_text(encoding="utf-8")

# Reports of several kinds: boxes, many frames, portraits, one frame, no video, nothing but an error.
REPORTS = {
    "objects": ["demo.mp4", "--keyframes", "--detect", "demo"],
    "many": ["cues.mkv", "--on", "all"],
    "portrait": ["rotated_90.mp4", "--keyframes"],
    "one": ["edit_list.mp4", "--keyframes"],
    "audio": ["audio_only.m4a", "--keyframes"],
    "failed": ["not_media.mp4", "--keyframes"],
}
WIDTHS = [1400, 800, 500]
SCHEMES = {"light": [], "dark": ["--blink-settings=preferredColorScheme=0"]}

LONG = "<b>a_name_that_no_line_has_room_for</b>" * 4


def main(moviola, screenshots=None):
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not browser:
        print("skipped: no Chromium on this machine")
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, (clip, *words) in REPORTS.items():
            report = pathlib.Path(folder, name)
            subprocess.run([moviola, "debug", TESTDATA / clip, "-o", report, "--quiet", *words], check=False,
                           stderr=subprocess.DEVNULL)
            page = (report / "report.html").read_text(encoding="utf-8")
            check_page(browser, name, page, report, screenshots)
            if name == "objects":
                check_page(browser, "hostile", changed(page, make_extreme), report, screenshots)


def changed(page, change):
    """The page with its data modified by `change`."""
    before, rest = page.split('id="data">')
    data, after = rest.split("</script>", 1)
    data = json.loads(data)
    change(data)
    data = json.dumps(data).replace("<", "\\u003c")
    return f'{before}id="data">{data}</script>{after}'


def make_extreme(data):
    """Changes the data to an extreme case: a stopped run with long names and hundreds of errors."""
    data["end"] = None
    data["source"]["source"] = LONG
    for frame in [*data["frames"], *data["slowest"]]:
        frame.update(why=LONG, damaged=True)
        for found in frame["objects"]:
            found["class"] = LONG
    for lane in data["timeline"]["lanes"]:
        lane["name"] = LONG
    for kind in data["decisions"]["kinds"]:
        kind["why"] = LONG
    data["advice"].append(LONG)
    data["messages"] = [[LONG, 7]]
    data["errors"] = [{"source": LONG, "stage": "decode", "time": number / 7, "message": LONG}
                      for number in range(200)]
    data["error_count"] = data["statistics"]["errors"] = 900


def check_page(browser, name, page, folder, screenshots):
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    plain, probed = folder / f"{name}.html", folder / f"{name}-probed.html"
    plain.write_text(page, encoding="utf-8")
    probed.write_text(page.replace("</body>", f"<script>{PROBE}</script></body>"), encoding="utf-8")
    backs = set()
    for width in WIDTHS:
        for scheme, flags in SCHEMES.items():
            flags = [*flags, f"--window-size={width},1200"]
            messages, seen = open_page(browser, probed, flags)
            place = f"{name}, {width} wide, {scheme}"
            assert "CONSOLE" not in messages, f"{place}: {messages}"
            assert not seen["wrong"], f"{place}: {seen['wrong']}"
            assert seen["frames"] == len(data["frames"]), f"{place}: {seen}"
            assert seen["stopped"] == (data["end"] is None), f"{place}: {seen}"
            backs.add((scheme, seen["back"]))
            if screenshots:
                file = pathlib.Path(screenshots, f"{name}-{width}-{scheme}.png").absolute()
                run(browser, plain, [*flags, f"--screenshot={file}"])
    assert len(backs) == len({back for _, back in backs}) == 2, f"{name}: light and dark look alike: {backs}"
    print(f"{name}: {len(data['frames'])} frames shown")


def open_page(browser, page, flags):
    done = run(browser, page, [*flags, "--enable-logging=stderr", "--dump-dom"])
    seen = done.stdout.split('<pre id="seen">')
    assert len(seen) == 2, f"the page's scripts didn't run to their end: {done.stderr}"
    return done.stderr, json.loads(html.unescape(seen[1].split("</pre>")[0]))


def run(browser, page, flags):
    # The sandbox needs privileges that containers don't have; the page is trusted.
    usual = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=5000"]
    return subprocess.run([browser, *usual, *flags, page.as_uri()], capture_output=True, text=True, check=True,
                          timeout=120)


if __name__ == "__main__":
    main(*sys.argv[1:])
