"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
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
    const { above, wanted, kept } = frame.candidates;
    const classes = wanted === above ? "" : `, ${whole(wanted)} of a wanted class`;
    lines.push(`${plural(above, "box")} sure enough${classes}, ${kept} kept.`.replace("boxs", "boxes"));
  }
  if (frame.damaged) lines.push("Damaged: the decoder had to conceal something.");
  return lines;
}

// --- Numbers ----------------------------------------------------------------------------------

const numbers = data.statistics;
function head() {
  const path = data.source?.source ?? data.end?.source ?? "a source that could not be opened";
  const name = path.split(/[\\/]/).filter(Boolean).pop() ?? path;
  byId("name").textContent = name;
  document.title = `${name} · Moviola report`;
  const video = data.source?.video;
  const facts = video ? [video.codec, video.width ? `${video.width}×${video.height}` : null, video.frame_rate ? `${+video.frame_rate.toFixed(3)} frames/s` : null] : [];
  const length = data.source?.duration ? `${data.source.duration.toFixed(2)} s long` : null;
  byId("about").textContent = [path, ...facts, length].filter(Boolean).join(" · ");
  byId("footer").textContent = `Made by Moviola. Every event is in trace.json (open it in Perfetto)${data.trace_is_full ? ", up to its first million" : ""}; the records are in records.jsonl.`;
}

function tiles() {
  const tile = (value, name, bad) => make("div", { class: bad ? "tile bad" : "tile" }, make("b", {}, value), make("span", {}, name));
  const all = [tile(duration(numbers.wall * 1000), "from start to end")];
  if (numbers.first_record !== null) all.push(tile(duration(numbers.first_record * 1000), "to the first record"));
  all.push(tile(whole(numbers.frames), numbers.frames === 1 ? "frame" : "frames"));
  if (numbers.frames > 0) all.push(tile((numbers.frames / numbers.wall).toFixed(1), "frames a second"));
  if (numbers.speed !== null) all.push(tile(`${numbers.speed.toFixed(numbers.speed < 10 ? 2 : 0)}×`, "as fast as it plays"));
  all.push(tile(percent(numbers.busy), `of ${plural(numbers.cores, "core")} busy`));
  if (numbers.peak_memory !== null) all.push(tile(bytes(numbers.peak_memory), "memory at most"));
  if (numbers.errors > 0) all.push(tile(whole(numbers.errors), numbers.errors === 1 ? "error" : "errors", true));
  byId("tiles").append(...all);
}

function stages() {
  const busy = numbers.stages.filter(({ stage }) => stage !== "wait");
  const sum = busy.reduce((total, { seconds: time }) => total + time, 0) || 1;
  byId("shares").append(...busy.map(({ stage, seconds: time }) => make("div", {
    class: stage, style: `flex:${time / sum} 1 0;background:${color(stage)}`, title: `${stage} ${percent(time / sum)}`,
  }, time / sum > 0.07 ? `${stage} ${percent(time / sum)}` : "")));
  const rate = ({ bytes: gave, seconds: time }) => (gave > 0 && time > 0 ? `${bytes(gave / time)}/s` : "");
  const count = (value) => (value > 0 ? whole(value) : "");
  const each = (row, value) => (row.slowest > 0 ? duration(value) : "");
  table("stages", [["Stage"], ["Time", 1], ["Share", 1], ["Packets", 1], ["Pictures", 1], ["Bytes", 1], ["Rate", 1], ["Median frame", 1], ["p95", 1], ["Slowest", 1]],
    numbers.stages.map((row) => [
      make("span", { class: "whole" }, swatch(row.stage), row.stage), duration(row.seconds * 1000),
      row.stage === "wait" ? "" : percent(row.seconds / sum), count(row.packets), count(row.frames),
      row.bytes > 0 ? bytes(row.bytes) : "", rate(row), each(row, row.median), each(row, row.p95), each(row, row.slowest),
    ]));
}

// --- Timeline ---------------------------------------------------------------------------------

const LABEL = 92, LANE = 44, GAP = 14, AXIS = 26, QUEUE = 40;
const plot = byId("timeline").firstElementChild;
const lanes = data.timeline.lanes;
const all = Math.max(numbers.wall * 1000, 1e-3);
let view = [0, all];

const toX = (time, width) => LABEL + ((time - view[0]) / (view[1] - view[0])) * (width - LABEL);
const toTime = (x, width) => view[0] + ((x - LABEL) / (width - LABEL)) * (view[1] - view[0]);
const laneTop = (place) => place * (LANE + GAP);
const queueTop = () => laneTop(lanes.length);

/** Microseconds of each stage of a lane between two times. */
function within(lane, from, to) {
  const first = Math.max(0, Math.floor(from / data.timeline.column));
  const last = Math.max(first + 1, Math.ceil(to / data.timeline.column));
  return lane.stages.map(([stage, columns]) => {
    let sum = 0;
    for (let place = first; place < Math.min(last, columns.length); place++) sum += columns[place];
    return [stage, sum / (last - first)];
  });
}

function drawLane(pen, lane, top, width) {
  const full = data.timeline.column * 1000;
  pen.fillStyle = real("line");
  pen.fillRect(LABEL, top + LANE, width - LABEL, 1);
  const colors = Object.fromEntries(lane.stages.map(([stage]) => [stage, real(stage)]));
  for (let x = LABEL; x < width; x++) {
    let bottom = top + LANE;
    for (const [stage, time] of within(lane, toTime(x, width), toTime(x + 1, width))) {
      if (stage === "wait" || time === 0) continue;
      const height = Math.min(time / full, 1) * LANE;
      pen.fillStyle = colors[stage];
      pen.fillRect(x, bottom - height, 1, height);
      bottom -= height;
    }
  }
}

function drawQueue(pen, top, width) {
  const most = Math.max(0, ...data.timeline.waiting);
  pen.fillStyle = real("mark");
  for (let x = LABEL; x < width; x++) {
    const height = (waitingAt(toTime(x, width), toTime(x + 1, width)) / Math.max(most, 1)) * QUEUE;
    pen.fillRect(x, top + QUEUE - height, 1, height);
  }
  pen.fillStyle = real("line");
  pen.fillRect(LABEL, top + QUEUE, width - LABEL, 1);
  pen.fillStyle = real("soft");
  pen.fillText(`waiting`, 0, top + 14);
  pen.fillText(`at most ${most}`, 0, top + 31);
}

function waitingAt(from, to) {
  const first = Math.max(0, Math.floor(from / data.timeline.column));
  const last = Math.max(first + 1, Math.ceil(to / data.timeline.column));
  return Math.max(0, ...data.timeline.waiting.slice(first, last));
}

function drawAxis(pen, top, width) {
  const length = view[1] - view[0];
  const rough = (length * 110) / (width - LABEL);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
  pen.fillStyle = real("soft");
  for (let time = Math.ceil(view[0] / step) * step; time <= view[1]; time += step) {
    const x = toX(time, width);
    pen.fillRect(x, top, 1, 5);
    const text = length < 2000 ? `${+time.toPrecision(6)} ms` : `${+(time / 1000).toPrecision(6)} s`;
    const room = pen.measureText(text).width;
    pen.fillText(text, Math.min(Math.max(x - room / 2, LABEL), width - room), top + 19);
  }
}

function drawTimeline() {
  const width = Math.max(plot.parentElement.clientWidth, 320);
  const height = queueTop() + QUEUE + AXIS;
  const scale = devicePixelRatio || 1;
  [plot.width, plot.height] = [width * scale, height * scale];
  plot.style.height = `${height}px`;
  const pen = plot.getContext("2d");
  pen.scale(scale, scale);
  pen.font = "12.5px system-ui, 'Noto Sans', sans-serif";
  lanes.forEach((lane, place) => {
    pen.fillStyle = real("text");
    pen.fillText(lane.name, 0, laneTop(place) + LANE / 2 + 4);
    drawLane(pen, lane, laneTop(place), width);
  });
  pen.fillStyle = real("text");
  for (const frame of data.frames) {
    const x = toX(frame.to, width);
    if (x >= LABEL && x <= width) drawMark(pen, x, laneTop(frame.lane) + LANE);
  }
  drawQueue(pen, queueTop(), width);
  drawAxis(pen, queueTop() + QUEUE + 2, width);
}

/** Where a frame is done. */
function drawMark(pen, x, top) {
  pen.beginPath();
  pen.moveTo(x, top + 2);
  pen.lineTo(x - 4, top + 9);
  pen.lineTo(x + 4, top + 9);
  pen.fill();
}

function laneAt(y) {
  const place = Math.floor(y / (LANE + GAP));
  return place >= 0 && place < lanes.length ? place : null;
}

function timelineTip(event) {
  const { x, y, width } = place(event);
  if (x < LABEL) return hideTip();
  const time = toTime(x, width), reach = (view[1] - view[0]) / (width - LABEL);
  const lane = laneAt(y);
  if (lane === null) {
    return showTip(event, [make("b", {}, duration(time)), make("p", {}, `${plural(waitingAt(time, time + reach), "result")} made and waiting for their turn`)]);
  }
  const near = frameAt(lane, time, 5 * reach);
  const length = Math.max(reach, data.timeline.column);
  const parts = within(lanes[lane], time, time + reach).filter(([, value]) => value > 0);
  const lines = parts.map(([stage, value]) => make("div", {}, make("span", {}, swatch(stage), stage), make("span", {}, percent(value / (data.timeline.column * 1000)))));
  const title = make("b", {}, `${lanes[lane].name} at ${duration(time)}`);
  const within_frame = near ? [make("p", {}, `${frameName(near)}: ${decision(near)[0]}`)] : [];
  showTip(event, [title, ...lines, ...(lines.length ? [] : [make("p", {}, `nothing for ${duration(length)}`)]), ...within_frame]);
}

/** The shown frame that a lane works on at a time. */
function frameAt(lane, time, reach) {
  return data.frames.find((frame) => frame.lane === lane && frame.from <= time && time <= frame.to + reach);
}

function place(event) {
  const box = plot.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top, width: box.width };
}

function timeline() {
  const used = new Set(lanes.flatMap((lane) => lane.stages.map(([stage]) => stage)));
  used.delete("wait");
  byId("legend").append(...[...used].map((stage) => make("span", {}, swatch(stage), stage)), make("span", {}, "▲ a frame is done"));
  let from = null;
  plot.addEventListener("pointerdown", (event) => { from = toTime(place(event).x, place(event).width); });
  plot.addEventListener("pointermove", timelineTip);
  plot.addEventListener("pointerleave", hideTip);
  plot.addEventListener("pointerup", (event) => {
    const to = toTime(place(event).x, place(event).width);
    if (from !== null && Math.abs(to - from) > (view[1] - view[0]) / 100) {
      view = [Math.max(0, Math.min(from, to)), Math.min(all, Math.max(from, to))];
      drawTimeline();
    } else if (from !== null) {
      const lane = laneAt(place(event).y);
      const frame = lane === null ? null : frameAt(lane, to, (5 * (view[1] - view[0])) / (place(event).width - LABEL));
      if (frame) detail(frame);
    }
    from = null;
  });
  plot.addEventListener("dblclick", () => { view = [0, all]; drawTimeline(); });
  addEventListener("resize", drawTimeline);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawTimeline);
  drawTimeline();
}

// --- Frames -----------------------------------------------------------------------------------

const BOXES = ["#ff4d4f", "#2f9bff", "#37c871", "#ffb020", "#c77dff", "#19c8c8", "#ff7ab8", "#a0d911"];

/** A picture with its boxes; `labels` writes their classes. */
function picture(frame, labels) {
  if (!frame.small) return make("span", { class: "picture" });
  const { width, height } = frame;
  const line = Math.max(width, height) / (labels ? 400 : 130);
  const drawing = make("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none" });
  for (const object of frame.objects) {
    const [left, top, right, bottom] = object.box;
    const stroke = BOXES[object.class_id % BOXES.length];
    drawing.append(make("rect", { x: left, y: top, width: right - left, height: bottom - top, fill: "none", stroke, "stroke-width": line }));
    if (!labels) continue;
    const size = Math.max(width, height) / 42;
    const text = `${object.class} ${object.confidence.toFixed(2)}`;
    const room = text.length * size * 0.56 + size * 0.4;
    const x = Math.max(0, Math.min(left, width - room)), y = Math.max(size * 1.2, top);
    drawing.append(make("rect", { x, y: y - size * 1.2, width: room, height: size * 1.2, fill: stroke }),
      make("text", { x: x + size * 0.2, y: y - size * 0.3, "font-size": size, fill: "#fff", "font-family": "system-ui, sans-serif", textLength: room - size * 0.4, lengthAdjust: "spacingAndGlyphs" }, text));
  }
  const image = make("img", { src: frame.small, alt: `${frameName(frame)} at ${seconds(frame.time)}`, loading: "lazy" });
  // In the strip portraits stand in a square; beside their boxes, pictures have their own shape.
  const shape = labels ? "" : `aspect-ratio:${Math.max(width / height, 1)}`;
  return make("span", { class: "picture", style: shape }, make("span", { class: "inner" }, image, drawing));
}

function surest(frame) {
  if (!frame.candidates) return null;
  if (frame.objects.length === 0) return "nothing found";
  const best = frame.objects.reduce((one, other) => (other.confidence > one.confidence ? other : one));
  const others = frame.objects.length > 1 ? ` +${frame.objects.length - 1}` : "";
  return `${best.class} ${best.confidence.toFixed(2)}${others}`;
}

function strip() {
  const some = data.frames.length < data.frame_count ? `${whole(data.frames.length)} of ${whole(data.frame_count)} frames, evenly spread: ` : "";
  byId("frames-hint").textContent = data.frames.length ? `${some}${some ? "h" : "H"}over one to see why it is here, click it to see all there is.` : "No frame was handed out.";
  byId("strip").append(...data.frames.map((frame) => {
    const found = surest(frame);
    const caption = make("span", { class: "caption" },
      make("b", {}, frameName(frame)), ` ${seconds(frame.time)}`, make("br"),
      make("span", {}, [found, duration(frame.busy)].filter(Boolean).join(" · ")),
      frame.damaged ? make("span", { class: "damaged" }, " · damaged") : null);
    const button = make("button", { class: "frame", type: "button" }, picture(frame, false), caption);
    button.addEventListener("pointermove", (event) => showTip(event, frameTip(frame)));
    button.addEventListener("pointerleave", hideTip);
    button.addEventListener("click", () => detail(frame));
    return button;
  }));
}

function detail(frame) {
  hideTip();
  const figure = (title, content) => make("figure", {}, make("figcaption", {}, title), content);
  const input = frame.input ? figure("What the model got", make("span", { class: "picture" }, make("img", { src: frame.input, alt: "The model's input" }))) : null;
  const facts = [["Size", `${frame.width}×${frame.height}, decoded as ${frame.pixel_format}`],
    ["Tick", frame.pts === null ? "unknown" : `${frame.pts}`],
    ["Thread", `${lanes[frame.lane]?.name ?? ""}, from ${duration(frame.from)} to ${duration(frame.to)}`],
    ...decision(frame).map((text, place) => [place === 0 ? "Why" : "", text])];
  const objects = frame.objects.map(({ class: name, confidence, box }) => make("tr", {},
    make("td", {}, name), make("td", { class: "number" }, confidence.toFixed(3)), make("td", {}, box.map((side) => side.toFixed(1)).join(", "))));
  byId("detail-body").replaceChildren(...[
    make("h2", {}, `${frameName(frame)} at ${seconds(frame.time)}`),
    frame.small ? make("div", { class: "two" }, figure("The frame", picture(frame, true)), input) : null,
    bars(frame.stages.filter(([stage]) => !["wait", "report"].includes(stage)), frame.busy || 1),
    make("div", { class: "legend", style: "margin-top:8px" }, ...frame.stages.map(([stage, value]) => make("span", {}, swatch(stage), `${stage} ${duration(value)}`))),
    make("table", { class: "facts" }, ...facts.map(([name, value]) => make("tr", {}, make("td", {}, name), make("td", {}, value)))),
    objects.length ? make("table", {}, make("tr", {}, make("th", {}, "Class"), make("th", { class: "number" }, "Confidence"), make("th", {}, "x1, y1, x2, y2")), ...objects) : null,
  ].filter(Boolean));
  byId("detail").showModal();
}

function slowest() {
  const most = Math.max(...data.slowest.map((frame) => frame.busy), 1e-9);
  table("slowest", [["Frame"], ["Time", 1], ["Took", 1], ["With"], ["Packets", 1], ["Pictures", 1], ["Why"]], data.slowest.map((frame) => [
    make("span", { class: "whole" }, frameName(frame)), seconds(frame.time), duration(frame.busy),
    make("div", { style: "min-width:220px" }, bars(frame.stages.filter(([stage]) => !["wait", "report"].includes(stage)), most)),
    whole(frame.packets), whole(frame.decoded), decision(frame)[0],
  ]));
}

// --- The rest ---------------------------------------------------------------------------------

/** A text in which what stands between backquotes is code. */
const withCode = (text) => text.split("`").map((part, place) => (place % 2 ? make("code", {}, part) : part));

/** What is said beside a fact; a long text can be folded out. */
function explanation(text) {
  if (text.length < 200) return make("small", {}, text);
  return make("details", {}, make("summary", {}, "all of it"), make("small", {}, text));
}

function lists() {
  byId("advice").append(...data.advice.map((text) => make("li", {}, ...withCode(text))));
  byId("plan").textContent = data.plan;
  table("decisions", [["Verdict"], ["Why"], ["How often", 1]], data.decisions.length
    ? data.decisions.map(([verdict, why, count]) => [verdict, why, whole(count)])
    : [["kept", "the plan wants every frame that is read", whole(data.frame_count)]]);
  byId("environment").append(...data.environment.map(({ name, value, detail: more }) =>
    make("tr", {}, make("td", {}, name), make("td", {}, value, ...(more ? [explanation(more)] : [])))));
  if (data.errors.length) {
    byId("errors-section").hidden = false;
    table("errors", [["Stage"], ["Time", 1], ["Message"]], data.errors.map(({ stage, time, message }) => [stage, time === null ? "" : seconds(time), message]));
  }
  if (data.messages.length) {
    byId("messages-section").hidden = false;
    table("messages", [["Message"], ["Times", 1]], data.messages.map(([text, count]) => [text, whole(count)]));
  }
}

head();
tiles();
lists();
timeline();
stages();
strip();
slowest();
