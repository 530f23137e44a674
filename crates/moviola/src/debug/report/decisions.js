// --- Decisions --------------------------------------------------------------------------------

const STRIP_HEIGHT = 46;
const decisions = data.decisions;
const decisionCanvas = byId("decision-canvas");
const columnCount = decisions.columns.length;
/** The first column that is drawn, and the one after the last. */
let span = [0, columnCount];
let pointedColumn = null;

const VERDICTS = ["kept", "left out", "decoded and dropped"];
const verdictColor = (verdict) => `verdict-${VERDICTS.includes(verdict) ? verdict.split(" ")[0] : "other"}`;
const partsOf = (column) => Object.entries(column.parts).map(([kind, part]) => ({ ...decisions.kinds[kind], ...part }));
const countOf = (column) => partsOf(column).reduce((sum, part) => sum + part.count, 0);

/** The presentation time of a pts, or the pts itself if times are unknown. */
function timeOf(pts) {
  if (!data.clock) return `pts ${pts}`;
  return seconds(data.clock.time + (pts - data.clock.pts) * data.clock.tick);
}

function columnTitle(place) {
  const { pts } = decisions.columns[place];
  const first = place * decisions.width + 1, last = first + countOf(decisions.columns[place]) - 1;
  const which = first === last ? `Decision ${whole(first)}` : `Decisions ${whole(first)} to ${whole(last)}`;
  if (!pts) return which;
  const [least, most] = pts.map(timeOf);
  return least === most ? `${which}, at ${least}` : `${which}, from ${least} to ${most}`;
}

/** A column's decisions: one line for each verdict and reason. */
function columnTip(place) {
  const lines = partsOf(decisions.columns[place]).map(({ verdict, why, count: number, bytes: size }) => [
    make("div", {}, make("span", {}, make("i", { class: "swatch", style: `background:var(--${verdictColor(verdict)})` }), verdict),
      make("span", {}, [whole(number), size ? bytes(size) : ""].filter(Boolean).join(" · "))),
    make("p", {}, why)]);
  return [make("b", {}, columnTitle(place)), ...lines.flat()];
}

/** The number of decisions of each colour in the columns `from` to `to`, exclusive. */
function colorsOf(from, to) {
  const counts = new Map(VERDICTS.map((kind) => [verdictColor(kind), 0]));
  for (const column of decisions.columns.slice(from, to)) {
    for (const [kind, { count: number }] of Object.entries(column.parts)) {
      const name = verdictColor(decisions.kinds[kind].verdict);
      counts.set(name, (counts.get(name) ?? 0) + number);
    }
  }
  return counts;
}

function drawDecisions() {
  const width = Math.max(decisionCanvas.parentElement.clientWidth, 280);
  const context = canvasContext(decisionCanvas, width, STRIP_HEIGHT);
  const shown = span[1] - span[0], bars = Math.min(shown, width), step = width / bars;
  for (let bar = 0; bar < bars; bar++) {
    const [from, to] = [bar, bar + 1].map((edge) => span[0] + Math.round((edge * shown) / bars));
    const counts = colorsOf(from, to), all = [...counts.values()].reduce((sum, number) => sum + number, 0);
    let bottom = STRIP_HEIGHT - 4;
    for (const [name, number] of counts) {
      const height = (number / all) * (STRIP_HEIGHT - 8);
      context.fillStyle = colorValue(name);
      context.fillRect(bar * step, bottom - height, step - (step > 4 ? 1 : 0), height);
      bottom -= height;
    }
  }
  if (pointedColumn === null) return;
  const left = ((pointedColumn - span[0]) * width) / shown;
  context.fillStyle = colorValue("text");
  for (const top of [0, STRIP_HEIGHT - 3]) context.fillRect(left, top, Math.max(width / shown, 2), 3);
}

function pointToColumn(place, event) {
  if (place !== pointedColumn) {
    pointedColumn = place;
    drawDecisions();
  }
  if (place === null) return hideTip();
  showTip(event, columnTip(place));
}

/** Shows `length` columns around the one that is pointed at. */
function showColumns(length) {
  const shown = Math.min(Math.max(Math.round(length), Math.min(columnCount, 8)), columnCount);
  const middle = pointedColumn ?? Math.round((span[0] + span[1]) / 2);
  const from = Math.min(Math.max(middle - Math.floor(shown / 2), 0), columnCount - shown);
  span = [from, from + shown];
  byId("all-decisions").hidden = shown === columnCount;
  drawDecisions();
}

function changeColumnByKey(event) {
  const now = pointedColumn ?? span[0] - (event.key === "ArrowRight" ? 1 : 0);
  const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: columnCount - 1 }[event.key];
  const zoom = { "+": 0.5, "=": 0.5, "-": 2, 0: Infinity }[event.key];
  if (event.key === "Escape") return pointToColumn(null);
  if (event.ctrlKey || event.metaKey || (to === undefined && zoom === undefined)) return;
  event.preventDefault();
  if (zoom) return showColumns((span[1] - span[0]) * zoom);
  const place = Math.min(Math.max(to, 0), columnCount - 1);
  pointedColumn = place;
  if (place < span[0] || place >= span[1]) showColumns(span[1] - span[0]);
  else drawDecisions();
  showTip(below(decisionCanvas, (place + 0.5 - span[0]) / (span[1] - span[0])), columnTip(place));
  decisionCanvas.setAttribute("aria-valuenow", place + 1);
  decisionCanvas.setAttribute("aria-valuetext", tip.innerText);
}

/** The table's rows if there are no decisions. */
function rowsWithoutDecisions() {
  const why = data.wants_all ? "the plan selects all frames" : "no decisions were reported";
  return [[data.wants_all ? "kept" : "", why, whole(data.frame_count), ""]];
}

function decisionStrip() {
  const kinds = decisions.kinds.map(({ verdict, why, count: number, bytes: size }) => [
    make("span", { class: "whole" }, make("i", { class: "swatch", style: `background:var(--${verdictColor(verdict)})` }), verdict),
    why, whole(number), size ? bytes(size) : ""]);
  table("decisions", [["Verdict"], ["Reason"], ["Count", 1], ["Bytes", 1]], kinds.length ? kinds : rowsWithoutDecisions());
  const strip = decisionCanvas.parentElement;
  strip.hidden = byId("decisions-hint").hidden = columnCount === 0;
  if (strip.hidden) return;
  const each = decisions.width === 1 ? "one packet or frame" : `${whole(decisions.width)} packets or frames`;
  byId("decisions-text").textContent = `Decisions in the order in which they were made; each column is ${each}. Hover over a column, or press the arrow keys, for its decisions; drag, or press + and -, to zoom.`;
  decisionCanvas.setAttribute("aria-valuemax", columnCount);
  decisionCanvas.setAttribute("aria-valuetext", `${plural(columnCount, "column")}, each is ${each}`);
  const columnAt = (event) => {
    const box = decisionCanvas.getBoundingClientRect();
    const place = span[0] + Math.floor(((event.clientX - box.left) / box.width) * (span[1] - span[0]));
    return Math.min(Math.max(place, span[0]), span[1] - 1);
  };
  let from = null;
  decisionCanvas.addEventListener("pointerdown", (event) => { decisionCanvas.setPointerCapture(event.pointerId); from = columnAt(event); });
  decisionCanvas.addEventListener("pointerup", (event) => {
    const ends = [from ?? 0, columnAt(event)].sort((a, b) => a - b), length = ends[1] - ends[0] + 1;
    if (from !== null && length > Math.max(2, (span[1] - span[0]) / 100)) {
      pointedColumn = Math.round((ends[0] + ends[1]) / 2);
      showColumns(length);
    }
    from = null;
  });
  decisionCanvas.addEventListener("pointermove", (event) => pointToColumn(columnAt(event), event));
  decisionCanvas.addEventListener("pointerleave", () => pointToColumn(null));
  decisionCanvas.addEventListener("blur", () => pointToColumn(null));
  decisionCanvas.addEventListener("keydown", changeColumnByKey);
  decisionCanvas.addEventListener("dblclick", () => showColumns(columnCount));
  byId("all-decisions").addEventListener("click", () => showColumns(columnCount));
  drawAndRedraw(drawDecisions);
}
