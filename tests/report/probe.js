// Finds errors in a report from inside the page; run.py inserts it.
addEventListener("load", () => {
  const wrong = [];
  const name = (element) => element.id || element.className || element.tagName;
  const root = document.documentElement;

  /** Reports boxes that overlap without containing each other. */
  function overlaps(blocks) {
    const boxes = blocks.map((block) => [block, block.getBoundingClientRect()]);
    for (const [one, a] of boxes) for (const [other, b] of boxes) {
      if (one === other || one.contains(other) || other.contains(one)) continue;
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (across > 1 && down > 1) wrong.push(`${name(one)} overlaps ${name(other)}`);
    }
  }

  /** Reports elements whose contents are cut off. */
  function cutOff(elements) {
    for (const element of elements) {
      if (element.scrollWidth > element.clientWidth + 1) wrong.push(`cut off in ${name(element)}: ${element.textContent.slice(0, 60)}`);
    }
  }

  /** Whether anything was drawn on a canvas. */
  function isDrawn(canvas) {
    const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
    const pen = copy.getContext("2d", { willReadFrequently: true });
    pen.drawImage(canvas, 0, 0);
    const { data: pixels } = pen.getImageData(0, 0, copy.width, copy.height);
    return pixels.some((value, place) => place % 4 === 3 && value > 0);
  }

  /** Reports a tip that is missing or outside the window. */
  function tipFor(what) {
    const box = document.getElementById("tip").getBoundingClientRect();
    if (box.width === 0) return wrong.push(`no tip for ${what}`);
    if (box.left < 0 || box.right > innerWidth + 1) wrong.push(`the tip for ${what} sticks out`);
  }

  if (root.scrollWidth > root.clientWidth) wrong.push(`${root.scrollWidth} wide`);
  overlaps([...document.querySelectorAll("header, .notice:not([hidden]), section:not([hidden]), footer, .tile, .frame")]);
  cutOff(document.querySelectorAll(".tile b, .tile span, .caption, .advice li, .shares > div, h1, #about"));
  for (const canvas of document.querySelectorAll("canvas")) {
    if (canvas.clientHeight > 0 && !isDrawn(canvas)) wrong.push(`nothing is drawn in ${name(canvas)}`);
  }
  for (const button of [...document.querySelectorAll(".frame")].slice(0, 3)) {
    const box = button.getBoundingClientRect();
    button.dispatchEvent(new PointerEvent("pointermove", { clientX: box.right - 5, clientY: box.top + 5 }));
    tipFor(button.textContent);
    button.dispatchEvent(new PointerEvent("pointerleave"));
  }
  const decisions = document.getElementById("decision-canvas");
  if (decisions.clientHeight > 0) {
    for (const key of ["ArrowRight", "+", "End", "ArrowLeft"]) decisions.dispatchEvent(new KeyboardEvent("keydown", { key }));
    tipFor("a decision");
    if (!isDrawn(decisions)) wrong.push("the decisions vanish when they are enlarged");
    decisions.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
  }
  const plot = document.querySelector("#timeline canvas");
  for (const key of ["+", "+", "ArrowRight", "-", "0"]) plot.dispatchEvent(new KeyboardEvent("keydown", { key }));
  if (!document.getElementById("see-all").hidden) wrong.push("the timeline doesn't show the whole run again");
  const dialog = document.getElementById("detail");
  for (const frame of document.querySelectorAll(".frame, #slowest .link")) {
    frame.click();
    if (!dialog.open) wrong.push(`nothing opens for ${frame.textContent}`);
    cutOff([dialog, ...dialog.querySelectorAll("td, h2, .legend")]);
    overlaps([...dialog.querySelectorAll("h2, form, figure, .bars, .legend, table")]);
    for (const text of dialog.querySelectorAll("svg text")) {
      const [inner, outer] = [text, text.ownerSVGElement].map((element) => element.getBoundingClientRect());
      if (inner.left < outer.left - 1 || inner.right > outer.right + 1) wrong.push(`a label sticks out: ${text.textContent}`);
    }
    dialog.close();
  }
  const seen = { wrong: [...new Set(wrong)], frames: document.querySelectorAll(".frame").length,
    stopped: !document.getElementById("stopped").hidden, back: getComputedStyle(document.body).backgroundColor };
  const pre = document.createElement("pre");
  pre.id = "seen";
  pre.textContent = JSON.stringify(seen);
  document.body.replaceChildren(pre);
});
