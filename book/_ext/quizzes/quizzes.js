// Quizzes: of the lists of answers in the page, what a reader can answer.
//
// A kind makes its controls and returns `judge`, which says of the answer given:
// {right, message, marks: [[item, "right" or "wrong"], ...]}, or {problem} where
// there is none. An item is one answer of the list: its element, words and feedback.

import { el, follow, isPassed, pass } from "./progress.js";

const KINDS = { single: choices, multiple: choices, number, order, wire: figure, node: figure };
const AGAIN = "Try again, as often as you like.";
const NEAR = 24; // pixels between a click and the wire that it means

function start(root) {
  const list = root.querySelector(".quiz-options");
  const items = [...list.children].map((li, k) => unfold(li, `${root.id}-why-${k + 1}`));
  const verdict = el("p", { class: "quiz-verdict", role: "status" });
  const onShow = { type: "button", hidden: "", onclick: showAll };
  const all = el("button", onShow, "Show all explanations");
  const buttons = el("div", { class: "quiz-buttons" }, el("button", {}, "Check"), all);
  const form = el("form", { class: "quiz-form", novalidate: "" });
  const asked = `${root.id}-question ${root.id}-task`;
  const make = KINDS[root.dataset.kind];
  const { controls, judge, reveal } = make({ root, list, items, form, asked, clear });

  form.append(...controls, buttons, verdict);
  if (!form.contains(list)) buttons.before(list);
  root.querySelector(".quiz-answer")?.remove();
  root.append(form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    check();
  });
  root.classList.add("is-live");
  const badge = el("span", { class: "quiz-passed" });
  root.querySelector(".quiz-title").append(badge);
  follow(() => (badge.textContent = isPassed(root.id) ? "✓ answered" : ""));

  function check() {
    const { problem, right, message, marks } = judge();
    if (problem) return say(problem);
    clear();
    for (const [item, state] of marks) mark(item, state);
    all.hidden = false;
    root.dataset.state = right ? "right" : "wrong";
    say(right ? "Right." : ["Not yet.", message, AGAIN].filter(Boolean).join(" "), marks);
    if (right) pass(root.id);
  }

  function clear() {
    say("");
    delete root.dataset.state;
    for (const item of items) mark(item, "");
  }

  function showAll() {
    clear();
    reveal?.();
    for (const item of items) mark(...byItself(item));
    root.dataset.state = "shown";
    say("All explanations are shown.");
  }

  // Seen: one sentence. Heard: what stands beside the answers too.
  function say(message, marks = []) {
    const heard = marks.map(([item]) => ` ${item.feedback.textContent}`);
    verdict.replaceChildren(message, el("span", { class: "quiz-spoken" }, ...heard));
  }
}

// ---- an answer of the list ----------------------------------------------------

function unfold(li, id) {
  const words = li.querySelector("summary, .quiz-text");
  const feedback = li.querySelector(".quiz-feedback");
  const text = el("span", { class: "quiz-text" }, ...words.childNodes);
  feedback.id = id;
  feedback.hidden = true;
  li.replaceChildren(text, feedback);
  return { li, text, feedback, right: "right" in li.dataset };
}

const byItself = (item) => [item, item.right ? "right" : "wrong"];

function mark(item, state) {
  item.li.dataset.state = state;
  item.feedback.hidden = !state;
  if (state) item.input?.setAttribute("aria-describedby", item.feedback.id);
  else item.input?.removeAttribute("aria-describedby"); // it would be heard too early
}

// ---- one of these, any of these -------------------------------------------------

function choices({ root, list, items, asked }) {
  const several = root.dataset.kind === "multiple";
  items.forEach((item, k) => {
    item.input = el("input", { type: several ? "checkbox" : "radio", name: root.id });
    const letter = el("span", { class: "quiz-letter" }, "ABCDEFGH"[k]);
    const label = el("label", {}, item.input, letter);
    item.text.replaceWith(label);
    label.append(item.text);
  });
  const role = several ? "group" : "radiogroup";
  const group = el("div", { role, "aria-labelledby": asked }, list);

  function judge() {
    const chosen = items.filter(({ input }) => input.checked);
    if (!chosen.length) return { problem: "Choose an answer first." };
    const missing = items.filter(({ input, right }) => right && !input.checked).length;
    const right = !missing && chosen.every((item) => item.right);
    const message = several && missing ? `${missing} more to find.` : "";
    return { right, message, marks: chosen.map(byItself) };
  }
  return { controls: [group], judge };
}

// ---- a number -------------------------------------------------------------------

function number({ items, asked }) {
  const negative = items.some(({ li }) => Number(li.dataset.value) < 0);
  const input = el("input", {
    type: "text",
    autocomplete: "off",
    inputmode: negative ? "text" : "decimal", // a telephone's decimal keys have no minus
    "aria-describedby": asked,
  });

  function judge() {
    const value = toNumber(input.value);
    input.setAttribute("aria-invalid", Number.isNaN(value));
    if (Number.isNaN(value)) return { problem: "Type a number, for example 0.25." };
    const item = items.find(({ li }) => fits(value, li.dataset)) ?? items.at(-1);
    return { right: item.right, marks: [byItself(item)] };
  }
  return { controls: [el("label", { class: "quiz-number" }, "Your answer ", input)], judge };
}

// "8,320" as the book writes it, "0,5" as others write a half, NaN of no number.
function toNumber(text) {
  let word = text.trim().replaceAll("\u2212", "-");
  if (/^-?\d{1,3}(,\d{3})+(\.\d*)?$/.test(word)) word = word.replaceAll(",", "");
  word = word.replace(",", ".");
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(word) ? Number(word) : NaN;
}

function fits(value, { value: wanted, within, relative }) {
  if (wanted === undefined) return false;
  const room = relative === undefined ? Number(within) : (Math.abs(wanted) * relative) / 100;
  return Math.abs(value - wanted) <= room + 1e-9 * Math.abs(wanted); // 0.3 - 0.1 is not 0.2
}

// ---- in this order ----------------------------------------------------------------

function order({ root, list, items, asked, clear }) {
  items.forEach((item, k) => {
    item.li.style.setProperty("--place", k); // for print
    item.li.value = k + 1;
    item.text.id = `${item.feedback.id}-line`;
    item.up = arrow(item, "Up", "↑", -1);
    item.down = arrow(item, "Down", "↓", 1);
    const line = el("div", { class: "quiz-line" }, item.up, item.down);
    item.text.before(line);
    line.prepend(item.text);
  });
  const heard = el("span", { class: "quiz-spoken", role: "status" });
  let now = list.dataset.start.split(" ").map((k) => items[k]);
  root.querySelector(".quiz-lines").remove();
  show();

  function show() {
    now.forEach(({ li, up, down }, k) => {
      if (list.children[k] !== li) list.insertBefore(li, list.children[k] ?? null);
      up.setAttribute("aria-disabled", k === 0);
      down.setAttribute("aria-disabled", k === now.length - 1);
    });
  }

  // "Up, c = f * c + i * g"
  function arrow(item, name, sign, by) {
    const id = `${item.text.id}-${name}`;
    const onclick = () => move(item, by);
    const labels = { "aria-label": name, "aria-labelledby": `${id} ${item.text.id}` };
    return el("button", { type: "button", id, ...labels, onclick }, sign);
  }

  function move(item, by) {
    const from = now.indexOf(item);
    const to = from + by;
    if (!now[to]) return;
    clear();
    [now[from], now[to]] = [now[to], now[from]];
    show();
    (by < 0 ? item.up : item.down).focus(); // a moved element has lost it
    heard.textContent = `Place ${to + 1} of ${now.length}: ${item.text.textContent}`;
  }

  function judge() {
    const wrong = now.findIndex((item, k) => item !== items[k]);
    sign(wrong < 0 ? "Right. " : "Too early. ");
    if (wrong < 0) return { right: true, marks: items.map((item) => [item, "right"]) };
    const message = ["The first line is not in its place.", "The first line is in its place."];
    return {
      right: false,
      marks: [[now[wrong], "wrong"]],
      message: message[wrong] ?? `The first ${wrong} lines are in their places.`,
    };
  }

  // The first line out of its place always comes too early.
  function sign(text) {
    for (const { feedback } of items) feedback.querySelector(".quiz-mark").textContent = text;
  }

  function reveal() {
    sign("");
    now = [...items];
    show();
  }
  const group = el("div", { role: "group", "aria-labelledby": asked }, list);
  return { controls: [group, heard], judge, reveal };
}

// ---- a wire, or a node, of a figure -------------------------------------------------

function figure({ root, items, form, asked }) {
  const svg = root.querySelector("svg");
  const what = root.dataset.kind;
  const noun = what === "node" ? "part" : what;
  const all = [...svg.querySelectorAll("[data-wire], [data-node]")];
  const parts = all.filter((part) => what in part.dataset && titleOf(part));
  const chosen = el("p", { class: "quiz-chosen" });
  let picked = null;
  let places = null;

  svg.setAttribute("role", "radiogroup");
  svg.setAttribute("aria-labelledby", asked);
  for (const part of all) {
    if (!parts.includes(part)) part.setAttribute("aria-hidden", "true");
  }
  for (const part of parts) {
    part.setAttribute("role", "radio");
    part.setAttribute("aria-checked", "false");
    part.setAttribute("aria-label", spoken(part));
    part.setAttribute("tabindex", part === parts[0] ? "0" : "-1");
    const shape = part.querySelector("path, rect, circle");
    const halo = shape.cloneNode();
    halo.setAttribute("class", "quiz-halo");
    halo.removeAttribute("style");
    shape.before(halo);
  }
  chosen.textContent = `No ${noun} is chosen yet: click one, or use the arrow keys.`;

  svg.addEventListener("click", (event) => pick(meant(event)));
  svg.addEventListener("pointermove", (event) => hover(meant(event)));
  svg.addEventListener("pointerleave", () => hover(null));
  svg.addEventListener("keydown", (event) => {
    const at = parts.indexOf(event.target);
    const to = {
      ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1,
      Home: 0, End: -1, " ": at,
    }[event.key];
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Enter") form.requestSubmit();
    else if (to === undefined) return;
    else pick(parts.at(to % parts.length), true);
    event.preventDefault();
    event.stopPropagation();
  });

  function pick(part, focus) {
    if (!part) return;
    for (const other of parts) {
      other.setAttribute("aria-checked", other === part);
      other.setAttribute("tabindex", other === part ? "0" : "-1");
    }
    picked = part;
    if (focus) part.focus();
    chosen.replaceChildren("Chosen: ", ...written(titleOf(part)));
  }

  function hover(part) {
    svg.classList.toggle("is-near", Boolean(part));
    for (const other of parts) other.classList.toggle("is-near", other === part);
  }

  // What a click is for: itself where a screen reader clicks, else the nearest.
  function meant({ target, clientX, clientY, detail }) {
    const own = target.closest("[role=radio]");
    if (own && !detail) return own;
    const matrix = svg.getScreenCTM();
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(matrix.inverse());
    places ??= parts.map(pointsOf);
    const distance = (point) => Math.hypot(point.x - x, point.y - y);
    const far = places.map((points) => Math.min(...points.map(distance)));
    const nearest = Math.min(...far);
    return nearest * matrix.a <= NEAR ? parts[far.indexOf(nearest)] : null;
  }

  function judge() {
    if (!picked) return { problem: `Choose a ${noun} first.` };
    const item = items.find(({ li }) => li.dataset.name === picked.dataset[what]) ?? items.at(-1);
    return { right: item.right, marks: [byItself(item)] };
  }
  return { controls: [chosen], judge };
}

const titleOf = (part) => part.querySelector(":scope > title")?.textContent;

// Points of a wire, or of the box of a node, in the figure's units.
function pointsOf(part) {
  const shape = part.querySelector(":not(.quiz-halo, title)");
  if (part.dataset.wire) {
    const step = 5;
    const count = Math.ceil(shape.getTotalLength() / step) + 1;
    return Array.from({ length: count }, (_, k) => shape.getPointAtLength(k * step));
  }
  const { x, y, width, height } = shape.getBBox();
  const steps = [0, 0.25, 0.5, 0.75, 1];
  return steps.flatMap((i) => steps.map((j) => ({ x: x + i * width, y: y + j * height })));
}

// "f_t ⊙ c_{t-1}" with subscripts, and as it is read out.
const SUBSCRIPT = /_(?:\{([^}]*)\}|(\w))/;

function written(title) {
  return title.split(/(_\{[^}]*\}|_\w)/).map((piece) => {
    const found = SUBSCRIPT.exec(piece);
    if (!found) return piece.replaceAll("*", "");
    return el("sub", {}, (found[1] ?? found[2]).replace("-", "−"));
  });
}

function spoken(part) {
  const pieces = written(titleOf(part));
  const text = pieces.map((piece) => (piece.tagName ? ` ${piece.textContent}` : piece)).join("");
  const value = part.querySelector("[data-text=value]")?.textContent;
  return text.replaceAll("⊙", "times") + (value ? `: ${value}` : "");
}

document.querySelectorAll(".quiz").forEach(start);
