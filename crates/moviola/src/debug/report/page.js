// --- Summary ----------------------------------------------------------------------------------

function head() {
  const path = data.source?.source ?? data.end?.source ?? "a source that could not be opened";
  const name = path.split(/[\\/]/).filter(Boolean).pop() ?? path;
  byId("name").textContent = name;
  document.title = `${name} · Moviola report`;
  const video = data.source?.video;
  const facts = video ? [video.codec, video.width ? `${video.width}×${video.height}` : null, video.frame_rate ? `${+video.frame_rate.toFixed(3)} frames/s` : null] : [];
  const length = data.source?.duration ? `${data.source.duration.toFixed(2)} s` : null;
  byId("about").textContent = [path, ...facts, length].filter(Boolean).join(" · ");
  byId("footer").textContent = `Made by Moviola. ${data.trace_is_full ? "The first million events are" : "All events are"} in trace.json (open it in Perfetto); the records are in records.jsonl.`;
}

function tiles() {
  const tile = (value, name, bad) => make("div", { class: bad ? "tile bad" : "tile" }, make("b", {}, value), make("span", {}, name));
  byId("stopped").hidden = data.end !== null;
  const all = [tile(duration(statistics.wall * 1000), data.end ? "from start to end" : "until the run was stopped")];
  if (statistics.first_record !== null) all.push(tile(duration(statistics.first_record * 1000), "to the first record"));
  all.push(tile(whole(statistics.frames), statistics.frames === 1 ? "frame" : "frames"));
  if (statistics.frames > 0) all.push(tile((statistics.frames / statistics.wall).toFixed(1), "frames a second"));
  if (statistics.speed !== null) all.push(tile(`${statistics.speed.toFixed(statistics.speed < 10 ? 2 : 0)}×`, "playback speed"));
  all.push(tile(percent(statistics.busy), `of ${plural(statistics.cores, "core")} busy`));
  if (statistics.peak_memory !== null) all.push(tile(bytes(statistics.peak_memory), "peak memory"));
  if (statistics.errors > 0) all.push(tile(whole(statistics.errors), statistics.errors === 1 ? "error" : "errors", true));
  byId("tiles").append(...all);
}

function stages() {
  const isWork = ({ stage }) => stage !== "wait" && stage !== "report";
  const busy = statistics.stages.filter(isWork);
  const sum = busy.reduce((total, { seconds: time }) => total + time, 0) || 1;
  shares(busy.map(({ stage, seconds: time }) => [stage, time / sum]));
  const report = statistics.stages.find(({ stage }) => stage === "report");
  if (report) byId("report-cost").textContent = `The images in this report, which other runs don't make, took another ${duration(report.seconds * 1000)}: ${percent(report.seconds / (sum + report.seconds))} of the total.`;
  const rate = ({ bytes: size, seconds: time }) => (size > 0 && time > 0 ? `${bytes(size / time)}/s` : "");
  const count = (value) => (value > 0 ? whole(value) : "");
  const each = (row, value) => (row.slowest > 0 ? duration(value) : "");
  table("stages", [["Stage"], ["Time", 1], ["Share", 1], ["Packets", 1], ["Frames", 1], ["Bytes", 1], ["Rate", 1], ["Median frame", 1], ["p95", 1], ["Slowest", 1]],
    statistics.stages.map((row) => [
      make("span", { class: "whole" }, swatch(row.stage), row.stage), duration(row.seconds * 1000),
      isWork(row) ? percent(row.seconds / sum) : "", count(row.packets), count(row.frames),
      row.bytes > 0 ? bytes(row.bytes) : "", rate(row), each(row, row.median), each(row, row.p95), each(row, row.slowest),
    ]));
}

/** Draws each stage's share of the time as a bar, with a label where it fits. */
function shares(parts) {
  const bar = byId("shares");
  bar.setAttribute("aria-label", parts.map(([stage, share]) => `${stage} ${percent(share)}`).join(", "));
  const pieces = parts.map(([stage, share]) => {
    const piece = make("div", { style: `flex:${share} 1 0;background:${color(stage)}` });
    addTip(piece, () => [make("div", {}, make("span", {}, swatch(stage), stage), make("span", {}, percent(share)))]);
    return [piece, stage, share];
  });
  bar.append(...pieces.map(([piece]) => piece));
  // A piece's width depends only on its share, so labels are removed only where they don't fit.
  drawAndRedraw(() => pieces.forEach(([piece, stage, share]) => {
    piece.style.color = textColor(colorValue(stage));
    piece.textContent = `${stage} ${percent(share)}`;
    if (piece.scrollWidth > piece.clientWidth) piece.textContent = "";
  }));
}

// --- Frames -----------------------------------------------------------------------------------

const BOXES = ["#ff4d4f", "#2f9bff", "#37c871", "#ffb020", "#c77dff", "#19c8c8", "#ff7ab8", "#a0d911"];

/** An object's class and confidence in at most `letters` letters. */
function boxLabel({ class: name, confidence }, letters) {
  const suffix = ` ${confidence.toFixed(2)}`;
  const room = Math.max(letters - suffix.length, 1);
  return (name.length > room ? `${name.slice(0, room - 1)}…` : name) + suffix;
}

/** A frame's image with its boxes, and with their classes if `labels` is true. */
function frameImage(frame, labels) {
  if (!frame.small) return make("span", { class: "image" });
  const { width, height } = frame;
  const line = Math.max(width, height) / (labels ? 400 : 130);
  const drawing = make("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none" });
  for (const object of frame.objects) {
    const [left, top, right, bottom] = object.box;
    const stroke = BOXES[object.class_id % BOXES.length];
    drawing.append(make("rect", { x: left, y: top, width: right - left, height: bottom - top, fill: "none", stroke, "stroke-width": line }));
    if (!labels) continue;
    const size = Math.max(width, height) / 42;
    const text = boxLabel(object, Math.floor((width / size - 0.4) / 0.56));
    const room = text.length * size * 0.56 + size * 0.4;
    const x = Math.max(0, Math.min(left, width - room)), y = Math.max(size * 1.2, top);
    drawing.append(make("rect", { x, y: y - size * 1.2, width: room, height: size * 1.2, fill: stroke }),
      make("text", { x: x + size * 0.2, y: y - size * 0.3, "font-size": size, fill: textColor(stroke), "font-family": "system-ui, sans-serif", textLength: room - size * 0.4, lengthAdjust: "spacingAndGlyphs" }, text));
  }
  const image = make("img", { src: frame.small, alt: `${frameName(frame)} at ${seconds(frame.time)}`, loading: "lazy" });
  // In the strip, portrait images are shown in a square; with labels, images keep their own shape.
  const shape = labels ? "" : `aspect-ratio:${Math.max(width / height, 1)}`;
  return make("span", { class: "image", style: shape }, make("span", { class: "inner" }, image, drawing));
}

/** The detection with the highest confidence, and the number of others. */
function bestDetection(frame) {
  if (!frame.candidates) return null;
  if (frame.objects.length === 0) return "no detections";
  const best = frame.objects.reduce((one, other) => (other.confidence > one.confidence ? other : one));
  const others = frame.objects.length > 1 ? ` +${frame.objects.length - 1}` : "";
  return `${best.class} ${best.confidence.toFixed(2)}${others}`;
}

function frameStrip() {
  const some = data.frames.length < data.frame_count ? `${whole(data.frames.length)} of ${whole(data.frame_count)} frames, evenly spread: ` : "";
  byId("frames-hint").textContent = data.frames.length ? `${some}${some ? "h" : "H"}over a frame for the reason why it was selected, click it for details.` : "There are no frames.";
  byId("strip").append(...data.frames.map((frame) => {
    const found = bestDetection(frame);
    const caption = make("span", { class: "caption" },
      make("b", {}, frameName(frame)), ` ${seconds(frame.time)}`, make("br"),
      make("span", {}, [found, duration(frame.busy)].filter(Boolean).join(" · ")),
      frame.damaged ? make("span", { class: "damaged" }, " · damaged") : null);
    const button = make("button", { class: "frame", type: "button" }, frameImage(frame, false), caption);
    addTip(button, () => frameTip(frame));
    button.addEventListener("click", () => showDetail(frame));
    return button;
  }));
}

function showDetail(frame) {
  hideTip();
  const figure = (title, content) => make("figure", {}, make("figcaption", {}, title), content);
  const input = frame.input ? figure("Model input", make("span", { class: "image" }, make("img", { src: frame.input, alt: "The model's input" }))) : null;
  const facts = [["Size", `${frame.width}×${frame.height}, decoded as ${frame.pixel_format}`],
    ["pts", frame.pts === null ? "unknown" : `${frame.pts}`],
    ["Thread", `${lanes[frame.lane]?.name ?? ""}, from ${duration(frame.from)} to ${duration(frame.to)}`],
    ...decisionLines(frame).map((text, place) => [place === 0 ? "Reason" : "", text])];
  const objects = frame.objects.map(({ class: name, confidence, box }) => make("tr", {},
    make("td", {}, name), make("td", { class: "number" }, confidence.toFixed(3)), make("td", {}, box.map((side) => side.toFixed(1)).join(", "))));
  byId("detail-body").replaceChildren(...[
    make("h2", { id: "detail-title" }, `${frameName(frame)} at ${seconds(frame.time)}`),
    frame.small ? make("div", { class: "two" }, figure("Frame", frameImage(frame, true)), input) : null,
    bars(frame.stages.filter(([stage]) => stage !== "wait"), frame.busy || 1),
    make("div", { class: "legend", style: "margin-top:8px" }, ...frame.stages.map(([stage, value]) => make("span", {}, swatch(stage), `${stage} ${duration(value)}`))),
    make("table", { class: "facts" }, ...facts.map(([name, value]) => make("tr", {}, make("td", {}, name), make("td", {}, value)))),
    objects.length ? make("table", { class: "objects" }, make("tr", {}, make("th", { scope: "col" }, "Class"), make("th", { class: "number", scope: "col" }, "Confidence"), make("th", { scope: "col" }, "x1, y1, x2, y2")), ...objects) : null,
  ].filter(Boolean));
  byId("detail").showModal();
}

function slowest() {
  const most = Math.max(...data.slowest.map((frame) => frame.busy), 1e-9);
  // The strip's entry of a frame has its images.
  const frames = data.slowest.map((slow) => data.frames.find((frame) => frame.lane === slow.lane && frame.to === slow.to) ?? slow);
  const rows = table("slowest", [["Frame"], ["Time", 1], ["Took", 1], ["Stages"], ["Packets", 1], ["Decoded", 1], ["Reason"]], frames.map((frame) => {
    const button = make("button", { class: "link", type: "button" }, frameName(frame));
    button.addEventListener("click", () => showDetail(frame));
    return [button, seconds(frame.time), duration(frame.busy),
      make("div", { style: "min-width:220px" }, bars(frame.stages.filter(([stage]) => stage !== "wait"), most)),
      whole(frame.packets), whole(frame.decoded), decisionLines(frame)[0]];
  }));
  rows.forEach((row, place) => addTip(row, () => frameTip(frames[place])));
}

// --- Other sections ---------------------------------------------------------------------------------

/** A text whose parts between backquotes become code elements. */
const withCode = (text) => text.split("`").map((part, place) => (place % 2 ? make("code", {}, part) : part));

/** The details of a fact; a long text is collapsed. */
function detailElement(text) {
  if (text.length < 200) return make("small", {}, text);
  return make("details", {}, make("summary", {}, "Show all"), make("small", {}, text));
}

function lists() {
  byId("advice").append(...data.advice.map((text) => make("li", {}, ...withCode(text))));
  byId("plan").textContent = data.plan;
  byId("environment").append(...data.environment.map(({ name, value, detail: more }) =>
    make("tr", {}, make("td", {}, name), make("td", {}, value, ...(more ? [detailElement(more)] : [])))));
  if (data.errors.length) {
    byId("errors-section").hidden = false;
    const more = data.error_count - data.errors.length;
    const others = more > 0 ? [["", "", `and ${plural(more, "other")}: see records.jsonl`]] : [];
    table("errors", [["Stage"], ["Time", 1], ["Message"]],
      [...data.errors.map(({ stage, time, message }) => [stage, time === null ? "" : seconds(time), message]), ...others]);
  }
  if (data.messages.length) {
    byId("messages-section").hidden = false;
    table("messages", [["Message"], ["Count", 1]], data.messages.map(([text, count]) => [text, whole(count)]));
  }
}

head();
tiles();
lists();
timeline();
stages();
frameStrip();
slowest();
decisionStrip();
