// --- Decisions --------------------------------------------------------------------------------

const STRIP = 46;
const decisions = data.decisions;
const choices = byId("choices");
const columnCount = decisions.columns.length;
/** The first column that is drawn, and the one behind the last. */
let span = [0, columnCount];
let pointedAt = null;

const KINDS = ["kept", "left out", "decoded and dropped"];
const verdictColor = (verdict) => `verdict-${KINDS.includes(verdict) ? verdict.split(" ")[0] : "other"}`;
const partsOf = (column) => Object.entries(column.parts).map(([kind, part]) => ({ ...decisions.kinds[kind], ...part }));
const countOf = (column) => partsOf(column).reduce((sum, part) => sum + part.count, 0);

/** When a tick is shown, as far as that is known. */
function timeOf(pts) {
  if (!data.clock) return `tick ${pts}`;
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

/** What was decided in a column: one line for each verdict and reason. */
function columnTip(place) {
  const lines = partsOf(decisions.columns[place]).map(({ verdict, why, count: often, bytes: size }) => [
    make("div", {}, make("span", {}, make("i", { class: "swatch", style: `background:var(--${verdictColor(verdict)})` }), verdict),
      make("span", {}, [whole(often), size ? bytes(size) : ""].filter(Boolean).join(" · "))),
    make("p", {}, why)]);
  return [make("b", {}, columnTitle(place)), ...lines.flat()];
}

/** How often each colour is among the columns from one to before another. */
function colorsOf(from, to) {
  const counts = new Map(KINDS.map((kind) => [verdictColor(kind), 0]));
  for (const column of decisions.columns.slice(from, to)) {
    for (const [kind, { count: often }] of Object.entries(column.parts)) {
      const name = verdictColor(decisions.kinds[kind].verdict);
      counts.set(name, (counts.get(name) ?? 0) + often);
    }
  }
  return counts;
}

function drawChoices() {
  const width = Math.max(choices.parentElement.clientWidth, 280);
  const pen = canvasPen(choices, width, STRIP);
  const shown = span[1] - span[0], bars = Math.min(shown, width), step = width / bars;
  for (let bar = 0; bar < bars; bar++) {
    const [from, to] = [bar, bar + 1].map((edge) => span[0] + Math.round((edge * shown) / bars));
    const counts = colorsOf(from, to), all = [...counts.values()].reduce((sum, often) => sum + often, 0);
    let bottom = STRIP - 4;
    for (const [name, often] of counts) {
      const height = (often / all) * (STRIP - 8);
      pen.fillStyle = real(name);
      pen.fillRect(bar * step, bottom - height, step - (step > 4 ? 1 : 0), height);
      bottom -= height;
    }
  }
  if (pointedAt === null) return;
  const left = ((pointedAt - span[0]) * width) / shown;
  pen.fillStyle = real("text");
  for (const top of [0, STRIP - 3]) pen.fillRect(left, top, Math.max(width / shown, 2), 3);
}

function pointAt(place, event) {
  if (place !== pointedAt) {
    pointedAt = place;
    drawChoices();
  }
  if (place === null) return hideTip();
  showTip(event, columnTip(place));
}

/** Draws so many columns, around the one that is pointed at. */
function seeColumns(length) {
  const shown = Math.min(Math.max(Math.round(length), Math.min(columnCount, 8)), columnCount);
  const middle = pointedAt ?? Math.round((span[0] + span[1]) / 2);
  const from = Math.min(Math.max(middle - Math.floor(shown / 2), 0), columnCount - shown);
  span = [from, from + shown];
  byId("all-choices").hidden = shown === columnCount;
  drawChoices();
}

function chooseByKey(event) {
  const now = pointedAt ?? span[0] - (event.key === "ArrowRight" ? 1 : 0);
  const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: columnCount - 1 }[event.key];
  const closer = { "+": 0.5, "=": 0.5, "-": 2, 0: Infinity }[event.key];
  if (event.key === "Escape") return pointAt(null);
  if (event.ctrlKey || event.metaKey || (to === undefined && closer === undefined)) return;
  event.preventDefault();
  if (closer) return seeColumns((span[1] - span[0]) * closer);
  const place = Math.min(Math.max(to, 0), columnCount - 1);
  pointedAt = place;
  if (place < span[0] || place >= span[1]) seeColumns(span[1] - span[0]);
  else drawChoices();
  showTip(below(choices, (place + 0.5 - span[0]) / (span[1] - span[0])), columnTip(place));
  choices.setAttribute("aria-valuenow", place + 1);
  choices.setAttribute("aria-valuetext", tip.innerText);
}

/** What is in the table where nothing was told. */
function noDecision() {
  const why = data.wants_all ? "the plan wants every frame that is read" : "no decision was told";
  return [[data.wants_all ? "kept" : "", why, whole(data.frame_count), ""]];
}

function choiceStrip() {
  const kinds = decisions.kinds.map(({ verdict, why, count: often, bytes: size }) => [
    make("span", { class: "whole" }, make("i", { class: "swatch", style: `background:var(--${verdictColor(verdict)})` }), verdict),
    why, whole(often), size ? bytes(size) : ""]);
  table("decisions", [["Verdict"], ["Why"], ["How often", 1], ["Bytes", 1]], kinds.length ? kinds : noDecision());
  const strip = choices.parentElement;
  strip.hidden = byId("choices-hint").hidden = columnCount === 0;
  if (strip.hidden) return;
  const each = decisions.width === 1 ? "one packet or picture" : `${whole(decisions.width)} packets or pictures`;
  byId("choices-said").textContent = `In the order they were made, each column ${each}. Over one, or with the arrow keys, all that was decided there; drag over some, or press + and -, to look closer.`;
  choices.setAttribute("aria-valuemax", columnCount);
  choices.setAttribute("aria-valuetext", `${plural(columnCount, "column")}, each ${each}`);
  const columnAt = (event) => {
    const box = choices.getBoundingClientRect();
    const place = span[0] + Math.floor(((event.clientX - box.left) / box.width) * (span[1] - span[0]));
    return Math.min(Math.max(place, span[0]), span[1] - 1);
  };
  let from = null;
  choices.addEventListener("pointerdown", (event) => { choices.setPointerCapture(event.pointerId); from = columnAt(event); });
  choices.addEventListener("pointerup", (event) => {
    const ends = [from ?? 0, columnAt(event)].sort((a, b) => a - b), length = ends[1] - ends[0] + 1;
    if (from !== null && length > Math.max(2, (span[1] - span[0]) / 100)) {
      pointedAt = Math.round((ends[0] + ends[1]) / 2);
      seeColumns(length);
    }
    from = null;
  });
  choices.addEventListener("pointermove", (event) => pointAt(columnAt(event), event));
  choices.addEventListener("pointerleave", () => pointAt(null));
  choices.addEventListener("blur", () => pointAt(null));
  choices.addEventListener("keydown", chooseByKey);
  choices.addEventListener("dblclick", () => seeColumns(columnCount));
  byId("all-choices").addEventListener("click", () => seeColumns(columnCount));
  whenDrawnAnew(drawChoices);
}
