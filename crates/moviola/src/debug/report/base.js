"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const statistics = data.statistics;
const byId = (id) => document.getElementById(id);
const color = (stage) => `var(--${stage})`;
/** The values of colours by name, read once for each colour scheme. */
const palette = new Map();
function colorValue(name) {
  if (!palette.has(name)) palette.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return palette.get(name);
}

/** The text colour with more contrast on a background, given as #rrggbb: dark or white. */
function textColor(background) {
  const linear = [1, 3, 5].map((place) => parseInt(background.slice(place, place + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  const luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  return luminance > 0.19 ? "#10151d" : "#ffffff";
}

// --- Text -------------------------------------------------------------------------------------

/** Creates an element with attributes and children. Texts become text nodes, never markup. */
function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "rect", "text"].includes(tag);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function duration(milliseconds) {
  if (milliseconds >= 60_000) return `${Math.floor(milliseconds / 60_000)} min ${((milliseconds % 60_000) / 1000).toFixed(0)} s`;
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(2)} s`;
  if (milliseconds >= 100) return `${milliseconds.toFixed(0)} ms`;
  return `${milliseconds.toFixed(milliseconds >= 10 ? 1 : 2)} ms`;
}

function bytes(count) {
  for (const [unit, size] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) {
    if (count >= size) return `${(count / size).toFixed(count >= 100 * size ? 0 : 1)} ${unit}`;
  }
  return `${count} B`;
}

const percent = (share) => `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)} %`;
const whole = (count) => count.toLocaleString("en");
const plural = (count, word) => `${whole(count)} ${word}${count === 1 ? "" : "s"}`;
const seconds = (time) => (time === null ? "unknown time" : `${time.toFixed(3)} s`);

function frameName(frame) {
  if (frame.index !== null) return `Keyframe ${frame.index}`;
  return frame.frame === null ? "Frame" : `Frame ${frame.frame}`;
}

function table(id, heads, rows) {
  const cell = (tag, value, number) => make(tag, { class: number ? "number" : undefined, scope: tag === "th" ? "col" : undefined }, value);
  const head = make("tr", {}, ...heads.map(([name, number]) => cell("th", name, number)));
  const body = rows.map((row) => make("tr", {}, ...row.map((value, place) => cell("td", value, heads[place][1]))));
  byId(id).append(make("thead", {}, head), make("tbody", {}, ...body));
  return body;
}

const swatch = (stage) => make("span", { class: "swatch", style: `background:${color(stage)}` });

/** Sets a canvas's size in CSS pixels; returns its drawing context. */
function canvasContext(canvas, width, height) {
  const scale = devicePixelRatio || 1;
  [canvas.width, canvas.height] = [width * scale, height * scale];
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  return context;
}

/** Draws now, and again whenever the page's width or colour scheme changes. */
function drawAndRedraw(draw) {
  addEventListener("resize", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { palette.clear(); draw(); });
  draw();
}

/** A bar of stages; `parts` are pairs of a stage and its milliseconds. */
function bars(parts, most) {
  const width = (value) => `width:${(100 * value) / most}%`;
  const text = parts.map(([stage, value]) => `${stage} ${duration(value)}`).join(", ");
  return make("div", { class: "bars", role: "img", "aria-label": text }, ...parts.map(([stage, value]) =>
    make("div", { style: `${width(value)};background:${color(stage)}` })));
}

/** A text, shortened to `room` pixels. */
function truncate(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let length = text.length;
  while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > room) length -= 1;
  return `${text.slice(0, length)}…`;
}

// --- Tooltip ----------------------------------------------------------------------------------

const tip = byId("tip");
function showTip(event, children) {
  tip.replaceChildren(...children);
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const left = event.clientX + 16 + width > innerWidth ? event.clientX - width - 12 : event.clientX + 16;
  const top = Math.min(event.clientY + 14, innerHeight - height - 8);
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${Math.max(4, top)}px`;
}
const hideTip = () => { tip.hidden = true; };

/** The position below an element, for a tooltip without a pointer; `across` is 0 at its left and 1 at its right. */
function below(element, across = 0) {
  const box = element.getBoundingClientRect();
  return { clientX: box.left + across * box.width, clientY: box.bottom - 8 };
}

/** Shows a tooltip while the pointer is over an element, or the element has keyboard focus. */
function addTip(element, children) {
  element.addEventListener("pointermove", (event) => showTip(event, children()));
  element.addEventListener("pointerleave", hideTip);
  element.addEventListener("focus", () => { if (element.matches(":focus-visible")) showTip(below(element), children()); });
  element.addEventListener("blur", hideTip);
}
const stageLines = (parts) => parts.map(([stage, value]) =>
  make("div", {}, make("span", {}, swatch(stage), stage), make("span", {}, duration(value))));

/** A frame's reason and its time in each stage. */
function frameTip(frame) {
  const lines = [make("b", {}, `${frameName(frame)} at ${seconds(frame.time)}`), ...decisionLines(frame).map((text) => make("p", {}, text))];
  return [...lines, ...stageLines(frame.stages.filter(([stage]) => stage !== "report"))];
}

/** Why a frame was selected, and the work for it. */
function decisionLines(frame) {
  const lines = [];
  if (frame.why) lines.push(`Kept: ${frame.why}.`);
  else if (frame.keyframe) lines.push("Selected by the plan; a keyframe.");
  else lines.push("Selected by the plan; not a keyframe.");
  if (frame.packets) lines.push(`${plural(frame.packets, "packet")} demuxed, ${bytes(frame.packet_bytes)} read, ${plural(frame.decoded, "frame")} decoded.`);
  if (frame.candidates) {
    const { above, wanted, kept, outside } = frame.candidates;
    const classes = wanted === above ? "" : `, ${whole(wanted)} of a selected class`;
    const dropped = outside > 0 ? `, ${outside} outside the frame` : "";
    lines.push(`${whole(above)} ${above === 1 ? "box" : "boxes"} above the confidence${classes}, ${kept} kept${dropped}.`);
  }
  if (frame.damaged) lines.push("Damaged: the decoder reported errors or concealed parts.");
  return lines;
}
