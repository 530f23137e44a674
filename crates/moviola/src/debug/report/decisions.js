// --- Decisions --------------------------------------------------------------------------------

const STRIP = 46;
const decisions = data.decisions;
const choices = byId("choices");
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
  const lines = partsOf(decisions.columns[place]).map(({ verdict, why, count, bytes: size }) => [
    make("div", {}, make("span", {}, make("i", { class: "swatch", style: `background:var(--${verdictColor(verdict)})` }), verdict),
      make("span", {}, [whole(count), size ? bytes(size) : ""].filter(Boolean).join(" · "))),
    make("p", {}, why)]);
  return [make("b", {}, columnTitle(place)), ...lines.flat()];
}

function drawChoices() {
  const width = Math.max(choices.parentElement.clientWidth, 280);
  const pen = canvasPen(choices, width, STRIP);
  const step = width / decisions.columns.length;
  decisions.columns.forEach((column, place) => {
    const all = countOf(column), left = place * step;
    let bottom = STRIP - 4;
    for (const { verdict, count } of partsOf(column)) {
      const height = (count / all) * (STRIP - 8);
      pen.fillStyle = real(verdictColor(verdict));
      pen.fillRect(left, bottom - height, step - (step > 4 ? 1 : 0), height);
      bottom -= height;
    }
    if (place !== pointedAt) return;
    pen.fillStyle = real("text");
    pen.fillRect(left, 0, Math.max(step, 2), 3);
    pen.fillRect(left, STRIP - 3, Math.max(step, 2), 3);
  });
}

function pointAt(place, event) {
  pointedAt = place;
  drawChoices();
  if (place === null) return hideTip();
  showTip(event, columnTip(place));
}

/** The place of a column in the window, for a tip that no pointer asks for. */
function placeOf(column) {
  const box = choices.getBoundingClientRect();
  return { clientX: box.left + ((column + 0.5) / decisions.columns.length) * box.width, clientY: box.bottom };
}

function chooseByKey(event) {
  const last = decisions.columns.length - 1, now = pointedAt ?? 0;
  const to = { ArrowLeft: now - 1, ArrowRight: pointedAt === null ? 0 : now + 1, Home: 0, End: last }[event.key];
  if (event.key === "Escape") return pointAt(null);
  if (to === undefined) return;
  event.preventDefault();
  const place = Math.min(Math.max(to, 0), last);
  pointAt(place, placeOf(place));
  byId("choice").textContent = tip.innerText;
}

function choiceStrip() {
  const kinds = decisions.kinds.map(({ verdict, why, count, bytes: size }) => [
    make("span", { class: "whole" }, make("i", { class: "swatch", style: `background:var(--${verdictColor(verdict)})` }), verdict),
    why, whole(count), size ? bytes(size) : ""]);
  const none = [["kept", "the plan wants every frame that is read", whole(data.frame_count), ""]];
  table("decisions", [["Verdict"], ["Why"], ["How often", 1], ["Bytes", 1]], kinds.length ? kinds : none);
  const strip = choices.parentElement;
  strip.hidden = byId("choices-hint").hidden = decisions.columns.length === 0;
  if (strip.hidden) return;
  const each = decisions.width === 1 ? "one packet or picture" : `${whole(decisions.width)} packets or pictures`;
  byId("choices-hint").textContent = `In the order they were made, each column ${each}. Over one, or with the arrow keys, all that was decided there.`;
  const columnAt = (event) => {
    const box = choices.getBoundingClientRect();
    const place = Math.floor(((event.clientX - box.left) / box.width) * decisions.columns.length);
    return Math.min(Math.max(place, 0), decisions.columns.length - 1);
  };
  choices.addEventListener("pointermove", (event) => pointAt(columnAt(event), event));
  choices.addEventListener("pointerleave", () => pointAt(null));
  choices.addEventListener("blur", () => pointAt(null));
  choices.addEventListener("keydown", chooseByKey);
  whenDrawnAnew(drawChoices);
}
