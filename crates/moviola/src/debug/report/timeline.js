// --- Timeline ---------------------------------------------------------------------------------

const LABEL = 92, LANE = 44, GAP = 14, AXIS = 26, QUEUE = 40;
const plot = byId("timeline").firstElementChild;
const lanes = data.timeline.lanes;
const runLength = Math.max(statistics.wall * 1000, 1e-3);
let view = [0, runLength];

const toX = (time, width) => LABEL + ((time - view[0]) / (view[1] - view[0])) * (width - LABEL);
const toTime = (x, width) => view[0] + ((x - LABEL) / (width - LABEL)) * (view[1] - view[0]);
const laneTop = (place) => place * (LANE + GAP);
const queueTop = () => laneTop(lanes.length);

/** Microseconds of each stage of a lane between two times. */
function stageTimes(lane, from, to) {
  const first = Math.max(0, Math.floor(from / data.timeline.column));
  const last = Math.max(first + 1, Math.ceil(to / data.timeline.column));
  return lane.stages.map(([stage, columns]) => {
    let sum = 0;
    for (let place = first; place < Math.min(last, columns.length); place++) sum += columns[place];
    return [stage, sum / (last - first)];
  });
}

function drawLane(context, lane, top, width) {
  const full = data.timeline.column * 1000;
  context.fillStyle = colorValue("line");
  context.fillRect(LABEL, top + LANE, width - LABEL, 1);
  const colors = Object.fromEntries(lane.stages.map(([stage]) => [stage, colorValue(stage)]));
  for (let x = LABEL; x < width; x++) {
    let bottom = top + LANE;
    for (const [stage, time] of stageTimes(lane, toTime(x, width), toTime(x + 1, width))) {
      if (stage === "wait" || time === 0) continue;
      const height = Math.min(time / full, 1) * LANE;
      context.fillStyle = colors[stage];
      context.fillRect(x, bottom - height, 1, height);
      bottom -= height;
    }
  }
}

function drawQueue(context, top, width) {
  const most = Math.max(0, ...data.timeline.waiting);
  context.fillStyle = colorValue("mark");
  for (let x = LABEL; x < width; x++) {
    const height = (waitingAt(toTime(x, width), toTime(x + 1, width)) / Math.max(most, 1)) * QUEUE;
    context.fillRect(x, top + QUEUE - height, 1, height);
  }
  context.fillStyle = colorValue("line");
  context.fillRect(LABEL, top + QUEUE, width - LABEL, 1);
  context.fillStyle = colorValue("soft");
  context.fillText(`waiting`, 0, top + 14);
  context.fillText(`at most ${most}`, 0, top + 31);
}

function waitingAt(from, to) {
  const first = Math.max(0, Math.floor(from / data.timeline.column));
  const last = Math.max(first + 1, Math.ceil(to / data.timeline.column));
  return Math.max(0, ...data.timeline.waiting.slice(first, last));
}

function drawAxis(context, top, width) {
  const length = view[1] - view[0];
  const rough = (length * 110) / (width - LABEL);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
  context.fillStyle = colorValue("soft");
  for (let time = Math.ceil(view[0] / step) * step; time <= view[1]; time += step) {
    const x = toX(time, width);
    context.fillRect(x, top, 1, 5);
    const text = length < 2000 ? `${+time.toPrecision(6)} ms` : `${+(time / 1000).toPrecision(6)} s`;
    const room = context.measureText(text).width;
    context.fillText(text, Math.min(Math.max(x - room / 2, LABEL), width - room), top + 19);
  }
}

function drawTimeline() {
  const width = Math.max(plot.parentElement.clientWidth, 320);
  const context = canvasContext(plot, width, queueTop() + QUEUE + AXIS);
  context.font = "12.5px system-ui, 'Noto Sans', sans-serif";
  lanes.forEach((lane, place) => {
    context.fillStyle = colorValue("text");
    context.fillText(truncate(context, lane.name, LABEL - 8), 0, laneTop(place) + LANE / 2 + 4);
    drawLane(context, lane, laneTop(place), width);
  });
  context.fillStyle = colorValue("text");
  for (const frame of data.frames) {
    const x = toX(frame.to, width);
    if (x >= LABEL && x <= width) drawMark(context, x, laneTop(frame.lane) + LANE);
  }
  drawQueue(context, queueTop(), width);
  drawAxis(context, queueTop() + QUEUE + 2, width);
}

/** Draws a mark at the time when a frame is done. */
function drawMark(context, x, top) {
  context.beginPath();
  context.moveTo(x, top + 2);
  context.lineTo(x - 4, top + 9);
  context.lineTo(x + 4, top + 9);
  context.fill();
}

function laneAt(y) {
  const place = Math.floor(y / (LANE + GAP));
  return place >= 0 && place < lanes.length ? place : null;
}

function showTimelineTip(event) {
  const { x, y, width } = pointerPosition(event);
  if (x < LABEL) return laneAt(y) === null ? hideTip() : showTip(event, [make("b", {}, lanes[laneAt(y)].name)]);
  const time = toTime(x, width), reach = (view[1] - view[0]) / (width - LABEL);
  const lane = laneAt(y);
  if (lane === null) {
    return showTip(event, [make("b", {}, duration(time)), make("p", {}, `${plural(waitingAt(time, time + reach), "result")} in the queue`)]);
  }
  const near = frameAt(lane, time, 5 * reach);
  const length = Math.max(reach, data.timeline.column);
  const parts = stageTimes(lanes[lane], time, time + reach).filter(([, value]) => value > 0);
  const lines = parts.map(([stage, value]) => make("div", {}, make("span", {}, swatch(stage), stage), make("span", {}, percent(value / (data.timeline.column * 1000)))));
  const title = make("b", {}, `${lanes[lane].name} at ${duration(time)}`);
  const frameLines = near ? [make("p", {}, `${frameName(near)}: ${decisionLines(near)[0]}`)] : [];
  showTip(event, [title, ...lines, ...(lines.length ? [] : [make("p", {}, `nothing for ${duration(length)}`)]), ...frameLines]);
}

/** The shown frame that a lane works on at a time. */
function frameAt(lane, time, reach) {
  return data.frames.find((frame) => frame.lane === lane && frame.from <= time && time <= frame.to + reach);
}

function pointerPosition(event) {
  const box = plot.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top, width: box.width };
}

/** The time at the pointer, clamped to the view. */
function pointerTime(event) {
  const { x, width } = pointerPosition(event);
  return Math.min(Math.max(toTime(x, width), view[0]), view[1]);
}

/** Shows a range of time. */
function showRange(times) {
  view = times;
  byId("see-all").hidden = times[0] === 0 && times[1] === runLength;
  drawTimeline();
}

/** Zooms or scrolls by a key. */
function changeViewByKey(event) {
  const length = view[1] - view[0], middle = (view[0] + view[1]) / 2;
  const zoom = { "+": 0.5, "=": 0.5, "-": 2, 0: Infinity, Escape: Infinity }[event.key] ?? 1;
  const scroll = { ArrowLeft: -0.2, ArrowRight: 0.2 }[event.key] ?? 0;
  if (event.ctrlKey || event.metaKey || (zoom === 1 && scroll === 0)) return;
  event.preventDefault();
  const newLength = Math.min(Math.max(length * zoom, data.timeline.column), runLength);
  const from = Math.min(Math.max(middle + length * scroll - newLength / 2, 0), runLength - newLength);
  hideTip();
  showRange(newLength === runLength ? [0, runLength] : [from, from + newLength]);
}

/** The shares of a lane's stages as text, for screen readers. */
function laneSummary({ name, stages: parts }) {
  const share = (columns) => columns.reduce((sum, time) => sum + time, 0) / (runLength * 1000);
  const shares = parts.map(([stage, columns]) => `${stage} ${percent(share(columns))}`);
  return `${name}: ${shares.join(", ") || "nothing"}.`;
}

/** Shows the frame that was clicked, unless that was the first half of a double click. */
function openFrame(event) {
  const lane = laneAt(pointerPosition(event).y);
  const reach = (5 * (view[1] - view[0])) / (pointerPosition(event).width - LABEL);
  const frame = lane === null ? null : frameAt(lane, pointerTime(event), reach);
  if (frame) showDetail(frame);
}

function timeline() {
  const used = new Set(lanes.flatMap((lane) => lane.stages.map(([stage]) => stage)));
  used.delete("wait");
  byId("legend").append(...[...used].map((stage) => make("span", {}, swatch(stage), stage)), make("span", {}, data.frames.length < data.frame_count ? "▲ end of a frame that is shown below" : "▲ end of a frame"));
  byId("timeline-text").textContent = lanes.map(laneSummary).join(" ");
  let from = null, opening = null;
  plot.addEventListener("pointerdown", (event) => {
    plot.setPointerCapture(event.pointerId);
    from = pointerTime(event);
  });
  plot.addEventListener("pointermove", showTimelineTip);
  plot.addEventListener("pointerleave", hideTip);
  plot.addEventListener("pointerup", (event) => {
    if (from === null) return;
    const ends = [from, pointerTime(event)].sort((a, b) => a - b);
    from = null;
    const length = ends[1] - ends[0];
    if (length > data.timeline.column && length > (view[1] - view[0]) / 100) showRange(ends);
    else if (pointerPosition(event).x > LABEL) opening = setTimeout(openFrame, 250, event);
  });
  plot.addEventListener("dblclick", () => { clearTimeout(opening); showRange([0, runLength]); });
  plot.addEventListener("keydown", changeViewByKey);
  byId("see-all").addEventListener("click", () => showRange([0, runLength]));
  drawAndRedraw(drawTimeline);
}
