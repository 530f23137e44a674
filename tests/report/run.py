"""The report as a browser shows it: nothing fails, nothing overlaps, nothing sticks out, light and dark.

`python3 tests/report/run.py MOVIOLA [FOLDER]`. Needs Chromium, and says so where there is none; with a
FOLDER, leaves pictures of the pages there.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
TESTDATA = pathlib.Path(__file__).resolve().parents[2] / "testdata"

# Reports of several kinds: boxes, many frames, portraits, nothing but an error.
REPORTS = {
    "objects": ["demo.mp4", "--keyframes", "--detect", "demo"],
    "many": ["cues.mkv", "--on", "all"],
    "portrait": ["rotated_90.mp4", "--keyframes"],
    "failed": ["not_media.mp4", "--keyframes"],
}
WIDTHS = [1400, 800, 500]
SCHEMES = {"light": [], "dark": ["--blink-settings=preferredColorScheme=0"]}

# What is wrong with a page, as seen from inside.
PROBE = """
addEventListener("load", () => {
  const wrong = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) wrong.push(`${root.scrollWidth} wide`);
  const blocks = [...document.querySelectorAll("header, section:not([hidden]), footer, .tile, .frame")];
  const boxes = blocks.map((block) => [block, block.getBoundingClientRect()]);
  for (const [one, a] of boxes) for (const [other, b] of boxes) {
    if (one === other || one.contains(other) || other.contains(one)) continue;
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (across > 1 && down > 1) wrong.push(`${one.className || one.tagName} overlaps ${other.className || other.tagName}`);
  }
  for (const tile of document.querySelectorAll(".tile b")) {
    if (tile.scrollWidth > tile.clientWidth + 1) wrong.push(`cut off: ${tile.textContent}`);
  }
  const canvas = document.querySelector("canvas");
  const seen = { wrong, frames: document.querySelectorAll(".frame").length, drawn: canvas.height > 0,
    back: getComputedStyle(document.body).backgroundColor };
  for (const frame of document.querySelectorAll(".frame")) { frame.click(); document.getElementById("detail").close(); }
  document.body.innerHTML = `<pre id="seen">${JSON.stringify(seen)}</pre>`;
});
"""


def main(moviola, pictures=None):
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not browser:
        print("skipped: no Chromium on this machine to look at reports with")
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, (clip, *words) in REPORTS.items():
            report = pathlib.Path(folder, name)
            subprocess.run([moviola, "debug", TESTDATA / clip, "-o", report, "--quiet", *words], check=False,
                           stderr=subprocess.DEVNULL)
            look_at(browser, name, report / "report.html", pictures)


def look_at(browser, name, page, pictures):
    text = page.read_text(encoding="utf-8")
    data = json.loads(text.split('id="data">')[1].split("</script>")[0])
    probed = page.with_name("probed.html")
    probed.write_text(text.replace("</body>", f"<script>{PROBE}</script></body>"), encoding="utf-8")
    backs = set()
    for width in WIDTHS:
        for scheme, flags in SCHEMES.items():
            flags = [*flags, f"--window-size={width},1200"]
            said, seen = open_page(browser, probed, flags)
            place = f"{name}, {width} wide, {scheme}"
            assert "CONSOLE" not in said, f"{place}: {said}"
            assert not seen["wrong"], f"{place}: {seen['wrong']}"
            assert seen["frames"] == len(data["frames"]) and seen["drawn"], f"{place}: {seen}"
            backs.add((scheme, seen["back"]))
            if pictures:
                picture = pathlib.Path(pictures, f"{name}-{width}-{scheme}.png").absolute()
                run(browser, page, [*flags, f"--screenshot={picture}"])
    assert len(backs) == len({back for _, back in backs}) == 2, f"{name}: light and dark look alike: {backs}"
    print(f"{name}: {len(data['frames'])} frames shown")


def open_page(browser, page, flags):
    done = run(browser, page, [*flags, "--enable-logging=stderr", "--dump-dom"])
    seen = done.stdout.split('<pre id="seen">')
    assert len(seen) == 2, f"the page's scripts didn't run to their end: {done.stderr}"
    return done.stderr, json.loads(seen[1].split("</pre>")[0])


def run(browser, page, flags):
    # The sandbox needs rights that containers don't have; the page is our own.
    usual = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=5000"]
    return subprocess.run([browser, *usual, *flags, page.as_uri()], capture_output=True, text=True, check=True,
                          timeout=120)


if __name__ == "__main__":
    main(*sys.argv[1:])
