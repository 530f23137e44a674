"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const numbers = data.statistics;
const byId = (id) => document.getElementById(id);
const color = (stage) => `var(--${stage})`;
const real = (stage) => getComputedStyle(document.documentElement).getPropertyValue(`--${stage}`).trim();

// --- Text -------------------------------------------------------------------------------------

/** An element with attributes and children; texts become text nodes, never markup. */
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
  const cell = (tag, value, number) => make(tag, { class: number ? "number" : undefined }, value);
  const head = make("tr", {}, ...heads.map(([name, number]) => cell("th", name, number)));
  const body = rows.map((row) => make("tr", {}, ...row.map((value, place) => cell("td", value, heads[place][1]))));
  byId(id).append(make("thead", {}, head), make("tbody", {}, ...body));
}

const swatch = (stage) => make("span", { class: "swatch", style: `background:${color(stage)}` });

/** Makes a canvas that large, in pixels of the page, and gives what draws on it. */
function canvasPen(canvas, width, height) {
  const scale = devicePixelRatio || 1;
  [canvas.width, canvas.height] = [width * scale, height * scale];
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  return pen;
}

/** Draws now, and whenever the page's width or colours have changed. */
function whenDrawnAnew(draw) {
  addEventListener("resize", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
}

/** A bar of stages; `parts` are pairs of a stage and a number. */
function bars(parts, most) {
  const width = (value) => `width:${(100 * value) / most}%`;
  return make("div", { class: "bars" }, ...parts.map(([stage, value]) =>
    make("div", { style: `${width(value)};background:${color(stage)}`, title: `${stage} ${duration(value)}` })));
}

// --- The tip ----------------------------------------------------------------------------------

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
const stageLines = (parts) => parts.map(([stage, value]) =>
  make("div", {}, make("span", {}, swatch(stage), stage), make("span", {}, duration(value))));

/** Why a frame is here, and what it took. */
function frameTip(frame) {
  const lines = [make("b", {}, `${frameName(frame)} at ${seconds(frame.time)}`), ...decision(frame).map((text) => make("p", {}, text))];
  return [...lines, ...stageLines(frame.stages.filter(([stage]) => stage !== "report"))];
}

function decision(frame) {
  const lines = [];
  if (frame.why) lines.push(`Kept: ${frame.why}.`);
  else if (frame.keyframe) lines.push("Wanted by the plan; a keyframe.");
  else lines.push("Wanted by the plan; not a keyframe.");
  if (frame.packets) lines.push(`${plural(frame.packets, "packet")} passed by, ${bytes(frame.packet_bytes)} read, ${plural(frame.decoded, "picture")} decoded.`);
  if (frame.candidates) {
    const { above, wanted, kept, outside } = frame.candidates;
    const classes = wanted === above ? "" : `, ${whole(wanted)} of a wanted class`;
    const beside = outside > 0 ? `, ${outside} outside the picture` : "";
    lines.push(`${whole(above)} ${above === 1 ? "box" : "boxes"} sure enough${classes}, ${kept} kept${beside}.`);
  }
  if (frame.damaged) lines.push("Damaged: the decoder had to conceal something.");
  return lines;
}
