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
  const pen = canvasPen(plot, width, queueTop() + QUEUE + AXIS);
  pen.font = "12.5px system-ui, 'Noto Sans', sans-serif";
  lanes.forEach((lane, place) => {
    pen.fillStyle = real("text");
    pen.fillText(cut(pen, lane.name, LABEL - 8), 0, laneTop(place) + LANE / 2 + 4);
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
  if (x < LABEL) return laneAt(y) === null ? hideTip() : showTip(event, [make("b", {}, lanes[laneAt(y)].name)]);
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

/** The time under the pointer, within what there is. */
function pointed(event) {
  const { x, width } = place(event);
  return Math.min(Math.max(toTime(x, width), view[0]), view[1]);
}

function see(times) {
  view = times;
  byId("see-all").hidden = times[0] === 0 && times[1] === all;
  drawTimeline();
}

/** Looks closer or less close, or elsewhere. */
function seeByKey(event) {
  const length = view[1] - view[0], middle = (view[0] + view[1]) / 2;
  const closer = { "+": 0.5, "=": 0.5, "-": 2, 0: Infinity, Escape: Infinity }[event.key] ?? 1;
  const further = { ArrowLeft: -0.2, ArrowRight: 0.2 }[event.key] ?? 0;
  if (event.ctrlKey || event.metaKey || (closer === 1 && further === 0)) return;
  event.preventDefault();
  const wide = Math.min(Math.max(length * closer, data.timeline.column), all);
  const from = Math.min(Math.max(middle + length * further - wide / 2, 0), all - wide);
  hideTip();
  see(wide === all ? [0, all] : [from, from + wide]);
}

/** What each lane did, in words. */
function laneSaid({ name, stages: parts }) {
  const share = (columns) => columns.reduce((sum, time) => sum + time, 0) / (all * 1000);
  const shares = parts.map(([stage, columns]) => `${stage} ${percent(share(columns))}`);
  return `${name}: ${shares.join(", ") || "nothing"}.`;
}

/** Shows the frame that was clicked, unless that was the first half of a double click. */
function openFrame(event) {
  const lane = laneAt(place(event).y);
  const reach = (5 * (view[1] - view[0])) / (place(event).width - LABEL);
  const frame = lane === null ? null : frameAt(lane, pointed(event), reach);
  if (frame) detail(frame);
}

function timeline() {
  const used = new Set(lanes.flatMap((lane) => lane.stages.map(([stage]) => stage)));
  used.delete("wait");
  byId("legend").append(...[...used].map((stage) => make("span", {}, swatch(stage), stage)), make("span", {}, data.frames.length < data.frame_count ? "▲ a frame that is shown below is done" : "▲ a frame is done"));
  byId("timeline-said").textContent = lanes.map(laneSaid).join(" ");
  let from = null, opening = null;
  plot.addEventListener("pointerdown", (event) => {
    plot.setPointerCapture(event.pointerId);
    from = pointed(event);
  });
  plot.addEventListener("pointermove", timelineTip);
  plot.addEventListener("pointerleave", hideTip);
  plot.addEventListener("pointerup", (event) => {
    if (from === null) return;
    const ends = [from, pointed(event)].sort((a, b) => a - b);
    from = null;
    const length = ends[1] - ends[0];
    if (length > data.timeline.column && length > (view[1] - view[0]) / 100) see(ends);
    else if (place(event).x > LABEL) opening = setTimeout(openFrame, 250, event);
  });
  plot.addEventListener("dblclick", () => { clearTimeout(opening); see([0, all]); });
  plot.addEventListener("keydown", seeByKey);
  byId("see-all").addEventListener("click", () => see([0, all]));
  whenDrawnAnew(drawTimeline);
}
