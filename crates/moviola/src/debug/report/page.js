// --- Numbers ----------------------------------------------------------------------------------

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
  byId("stopped").hidden = data.end !== null;
  const all = [tile(duration(numbers.wall * 1000), data.end ? "from start to end" : "until it was stopped")];
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
  const counts = ({ stage }) => stage !== "wait" && stage !== "report";
  const busy = numbers.stages.filter(counts);
  const sum = busy.reduce((total, { seconds: time }) => total + time, 0) || 1;
  shares(busy.map(({ stage, seconds: time }) => [stage, time / sum]));
  const report = numbers.stages.find(({ stage }) => stage === "report");
  if (report) byId("report-cost").textContent = `The pictures in this report, which other runs don't make, took ${duration(report.seconds * 1000)} beside it: ${percent(report.seconds / (sum + report.seconds))} of both together.`;
  const rate = ({ bytes: gave, seconds: time }) => (gave > 0 && time > 0 ? `${bytes(gave / time)}/s` : "");
  const count = (value) => (value > 0 ? whole(value) : "");
  const each = (row, value) => (row.slowest > 0 ? duration(value) : "");
  table("stages", [["Stage"], ["Time", 1], ["Share", 1], ["Packets", 1], ["Pictures", 1], ["Bytes", 1], ["Rate", 1], ["Median frame", 1], ["p95", 1], ["Slowest", 1]],
    numbers.stages.map((row) => [
      make("span", { class: "whole" }, swatch(row.stage), row.stage), duration(row.seconds * 1000),
      counts(row) ? percent(row.seconds / sum) : "", count(row.packets), count(row.frames),
      row.bytes > 0 ? bytes(row.bytes) : "", rate(row), each(row, row.median), each(row, row.p95), each(row, row.slowest),
    ]));
}

/** What share of the time each stage had: a bar, with words where they fit. */
function shares(parts) {
  const bar = byId("shares");
  bar.setAttribute("aria-label", parts.map(([stage, share]) => `${stage} ${percent(share)}`).join(", "));
  const pieces = parts.map(([stage, share]) => {
    const piece = make("div", { style: `flex:${share} 1 0;background:${color(stage)}` });
    withTip(piece, () => [make("div", {}, make("span", {}, swatch(stage), stage), make("span", {}, percent(share)))]);
    return [piece, stage, share];
  });
  bar.append(...pieces.map(([piece]) => piece));
  // How wide a piece is depends on its share alone, so words that fit go on fitting.
  whenDrawnAnew(() => pieces.forEach(([piece, stage, share]) => {
    piece.style.color = ink(real(stage));
    piece.textContent = `${stage} ${percent(share)}`;
    if (piece.scrollWidth > piece.clientWidth) piece.textContent = "";
  }));
}

// --- Frames -----------------------------------------------------------------------------------

const BOXES = ["#ff4d4f", "#2f9bff", "#37c871", "#ffb020", "#c77dff", "#19c8c8", "#ff7ab8", "#a0d911"];

/** An object's class and confidence, in so many letters. */
function label({ class: name, confidence }, letters) {
  const behind = ` ${confidence.toFixed(2)}`;
  const room = Math.max(letters - behind.length, 1);
  return (name.length > room ? `${name.slice(0, room - 1)}…` : name) + behind;
}

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
    const text = label(object, Math.floor((width / size - 0.4) / 0.56));
    const room = text.length * size * 0.56 + size * 0.4;
    const x = Math.max(0, Math.min(left, width - room)), y = Math.max(size * 1.2, top);
    drawing.append(make("rect", { x, y: y - size * 1.2, width: room, height: size * 1.2, fill: stroke }),
      make("text", { x: x + size * 0.2, y: y - size * 0.3, "font-size": size, fill: ink(stroke), "font-family": "system-ui, sans-serif", textLength: room - size * 0.4, lengthAdjust: "spacingAndGlyphs" }, text));
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
    withTip(button, () => frameTip(frame));
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
    make("h2", { id: "detail-title" }, `${frameName(frame)} at ${seconds(frame.time)}`),
    frame.small ? make("div", { class: "two" }, figure("The frame", picture(frame, true)), input) : null,
    bars(frame.stages.filter(([stage]) => stage !== "wait"), frame.busy || 1),
    make("div", { class: "legend", style: "margin-top:8px" }, ...frame.stages.map(([stage, value]) => make("span", {}, swatch(stage), `${stage} ${duration(value)}`))),
    make("table", { class: "facts" }, ...facts.map(([name, value]) => make("tr", {}, make("td", {}, name), make("td", {}, value)))),
    objects.length ? make("table", { class: "objects" }, make("tr", {}, make("th", { scope: "col" }, "Class"), make("th", { class: "number", scope: "col" }, "Confidence"), make("th", { scope: "col" }, "x1, y1, x2, y2")), ...objects) : null,
  ].filter(Boolean));
  byId("detail").showModal();
}

function slowest() {
  const most = Math.max(...data.slowest.map((frame) => frame.busy), 1e-9);
  // In the strip a frame has its pictures.
  const frames = data.slowest.map((slow) => data.frames.find((frame) => frame.lane === slow.lane && frame.to === slow.to) ?? slow);
  const rows = table("slowest", [["Frame"], ["Time", 1], ["Took", 1], ["With"], ["Packets", 1], ["Pictures", 1], ["Why"]], frames.map((frame) => {
    const button = make("button", { class: "link", type: "button" }, frameName(frame));
    button.addEventListener("click", () => detail(frame));
    return [button, seconds(frame.time), duration(frame.busy),
      make("div", { style: "min-width:220px" }, bars(frame.stages.filter(([stage]) => stage !== "wait"), most)),
      whole(frame.packets), whole(frame.decoded), decision(frame)[0]];
  }));
  rows.forEach((row, place) => withTip(row, () => frameTip(frames[place])));
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
  byId("environment").append(...data.environment.map(({ name, value, detail: more }) =>
    make("tr", {}, make("td", {}, name), make("td", {}, value, ...(more ? [explanation(more)] : [])))));
  if (data.errors.length) {
    byId("errors-section").hidden = false;
    const more = data.error_count - data.errors.length;
    const others = more > 0 ? [["", "", `and ${plural(more, "other")}: they are in records.jsonl`]] : [];
    table("errors", [["Stage"], ["Time", 1], ["Message"]],
      [...data.errors.map(({ stage, time, message }) => [stage, time === null ? "" : seconds(time), message]), ...others]);
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
choiceStrip();
