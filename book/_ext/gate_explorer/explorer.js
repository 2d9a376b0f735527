// The gate explorer: sliders, a timeline and a drawing that follows them.
//
// Everything shown is a function of `settings` (one for each tab: gates, start
// state, inputs of all steps), the tab and the step. `refresh` shows it.

import { run } from "./arithmetic.js";
import { fill, render, shown } from "./drawing.js";

const CELLS = {
  lstm: {
    tab: "LSTM",
    blocks: "ifgo",
    shown: [
      ["f", "forget", "Forget gate"],
      ["i", "input", "Input gate"],
      ["g", "candidate", "Candidate"],
      ["o", "output", "Output gate"],
    ],
    states: ["h", "c"],
  },
  gru: {
    tab: "GRU",
    blocks: "rzn",
    shown: [
      ["r", "output", "Reset gate"],
      ["z", "forget", "Update gate"],
      ["n", "candidate", "New value"],
    ],
    states: ["h"],
  },
};
const [LARGEST, LONGEST] = [1000, 60]; // of a number, of a sequence
const PAUSE = 1000; // milliseconds a step stands while playing
const QUIET = 600; // milliseconds without a change before it is announced
const still = matchMedia("(prefers-reduced-motion: reduce)");

// ---- settings ---------------------------------------------------------------

// A preset with nothing left out, or what a link says; a copy of its own.
function complete(cell, given) {
  const size = given.x[0].length;
  const gates = {};
  for (const k of CELLS[cell].blocks) {
    const { W = Array(size).fill(0), U = 0, b = 0, bn = 0 } = given.gates[k] ?? {};
    gates[k] = { W: [...W], U, b, ...(k === "n" && { bn }) };
  }
  const { h = 0, c = 0, linear = false } = given;
  return { gates, h, ...(cell === "lstm" && { c, linear }), x: given.x.map((x) => [...x]) };
}

// "lstm&x=3,4&step=2&f=1,0,3…", without the # and "explorer=".
export function pack(cell, setting, step) {
  const size = setting.x[0].length;
  const parts = [cell, `size=${size}`, `x=${setting.x.flat()}`, `step=${step + 1}`];
  for (const name of CELLS[cell].states) parts.push(`${name}=${setting[name]}`);
  for (const [k, { W, U, b, bn }] of Object.entries(setting.gates)) {
    parts.push(`${k}=${[...W, U, b, ...(bn === undefined ? [] : [bn])]}`);
  }
  return parts.concat(setting.linear ? ["linear=1"] : []).join("&");
}

// The opposite: {cell, setting, step}, or null where the text says nothing of use.
export function unpack(text) {
  const [cell, ...parts] = text.split("&");
  if (!Object.hasOwn(CELLS, cell)) return null;
  const found = Object.fromEntries(parts.map((part) => part.split("=")));
  const list = (name) => (found[name] ?? "").split(",").map(toNumber);
  const size = found.size === "3" ? 3 : 1;
  const x = inRows(list("x"), size);
  const gates = {};
  for (const k of CELLS[cell].blocks) {
    const numbers = list(k);
    const W = numbers.splice(0, size);
    const [U, b, bn] = numbers;
    gates[k] = { W, U, b, ...(k === "n" && { bn }) };
  }
  const states = CELLS[cell].states.map((name) => [name, toNumber(found[name] ?? "")]);
  const numbers = [x, states.map(([, v]) => v), Object.values(gates).map(Object.values)];
  if (!x.length || x.length > LONGEST || numbers.flat(3).some((v) => !fits(v))) return null;
  if (Object.values(gates).some(({ W }) => W.length !== size)) return null;
  const linear = found.linear === "1";
  const setting = complete(cell, { gates, x, linear, ...Object.fromEntries(states) });
  const step = Math.min(Math.max(Math.round(toNumber(found.step ?? "1")) || 1, 1), x.length) - 1;
  return { cell, setting, step };
}

const toNumber = (text) => (text.trim() === "" ? NaN : Number(text));
const fits = (value) => Number.isFinite(value) && Math.abs(value) <= LARGEST;

// [1, 2, 3, 4, 5, 6] in threes; none if a row would be short.
function inRows(numbers, size) {
  if (numbers.length % size) return [];
  return Array.from({ length: numbers.length / size }, (_, k) =>
    numbers.slice(k * size, (k + 1) * size),
  );
}

// What a reader typed, as {x} or {error}.
function parseSequence(text, size) {
  const words = text.replaceAll("\u2212", "-").split(/[\s,;()[\]]+/).filter(Boolean);
  const numbers = words.map(Number);
  const wrong = words.find((_, k) => !fits(numbers[k]));
  if (wrong !== undefined) {
    return { error: `“${wrong}” is not a number between −${LARGEST} and ${LARGEST}.` };
  }
  const x = inRows(numbers, size);
  if (!x.length) {
    return { error: size > 1 ? `Three numbers for each step, please.` : "At least one number, please." };
  }
  if (x.length > LONGEST) return { error: `At most ${LONGEST} steps, please.` };
  return { x };
}

const written = (x) => x.map((row) => row.join(" ")).join(x[0].length > 1 ? ", " : " ");

// ---- elements ---------------------------------------------------------------

function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// "c_{t-1}" as on the page: a variable with a subscript.
function symbol(text) {
  const [name, below] = text.split("_");
  return el("span", { class: "symbol" }, el("var", {}, name), ...(below ? [el("sub", {}, below)] : []));
}

// A slider and a number that are one value. `name` says it without markup.
function control({ label, name, limit, step = 0.1, get, set }) {
  const id = `gate-explorer-${name.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;
  const change = (value) => {
    if (fits(value)) set(value);
  };
  const slider = el("input", {
    type: "range", step, "aria-label": `${name}, slider`,
    oninput: () => change(slider.valueAsNumber),
  });
  const box = el("input", {
    type: "number", id, step: "any", min: -LARGEST, max: LARGEST, inputmode: "text",
    oninput: () => change(box.valueAsNumber),
    onchange: () => (box.value = plain(get())), // what was no number goes
    onkeydown: (event) => {
      const turn = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (!turn) return;
      event.preventDefault();
      change(Number((get() + turn * step * (event.shiftKey ? 10 : 1)).toFixed(6)));
    },
  });
  const show = () => {
    const value = get();
    const end = Math.max(limit, Math.ceil(Math.abs(value)));
    [slider.min, slider.max] = [-end, end];
    slider.value = value;
    colour(slider, 0);
    slider.setAttribute("aria-valuetext", shown(value));
    if (document.activeElement !== box || box.valueAsNumber !== value) box.value = plain(value);
  };
  const row = el(
    "div", { class: "control" },
    el("label", { for: id, "aria-label": name }, label), slider, box,
  );
  return { row, show };
}

// The part of a slider's line between a value, mostly zero, and its thumb.
function colour(slider, from) {
  const [low, high] = [Number(slider.min), Number(slider.max)];
  const part = (value) => (high > low ? (value - low) / (high - low) : 0);
  const ends = [part(from), part(slider.valueAsNumber)].sort((a, b) => a - b);
  slider.style.setProperty("--from", ends[0]);
  slider.style.setProperty("--to", ends[1]);
}

const plain = (value) => String(Number(value.toPrecision(12)));

// ---- the explorer -----------------------------------------------------------

export function start(root) {
  const { drawings, presets } = JSON.parse(
    root.querySelector('script[type="application/json"]').textContent,
  );
  const first = (cell) => complete(cell, presets[cell][0]);
  const settings = { lstm: first("lstm"), gru: first("gru") };
  const steps = { lstm: 0, gru: 0 };
  const chosen = { lstm: presets.lstm[0], gru: presets.gru[0] };
  let cell = "lstm";
  let trace = [];
  let controls = [];
  let timer = 0;
  let quiet = 0;
  let worry = 0; // about what is being typed: said when the reader pauses

  // -- parts that stay

  const tabs = Object.entries(CELLS).map(([name, { tab }]) =>
    el("button", {
      type: "button", role: "tab", id: `gate-explorer-tab-${name}`,
      "aria-controls": "gate-explorer-panel", onclick: () => open(name),
    }, tab),
  );
  const tablist = el("div", {
    role: "tablist", "aria-label": "Kind of unit",
    onkeydown: (event) => {
      const names = Object.keys(CELLS);
      const to = { ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0;
      const next =
        { Home: 0, End: names.length - 1 }[event.key] ??
        (names.indexOf(cell) + to + names.length) % names.length;
      if (names[next] === cell) return;
      event.preventDefault();
      open(names[next]);
      tabs[next].focus();
    },
  }, ...tabs);
  const share = el("button", { type: "button", class: "share", onclick: copyLink }, "Copy link");
  const choices = el("div", { class: "presets" });
  const note = el("p", { class: "note" });
  const picture = el("div", { class: "picture" });
  const sums = el("div", { class: "sums" });
  const figure = el("figure", { class: "computed-figure" }, picture, el("figcaption", {}, sums));

  const button = (text, act, label) =>
    el("button", { type: "button", "aria-label": label, onclick: act }, text);
  const toStart = button("First", () => walk(0), "First step");
  const back = button("Back", () => walk(steps[cell] - 1), "Back one step");
  const play = button("Play", () => (timer ? stop() : playOn()));
  const next = button("Next", () => walk(steps[cell] + 1), "Next step");
  const scrubber = el("input", {
    type: "range", min: 1, step: 1, "aria-label": "Step",
    oninput: () => walk(scrubber.valueAsNumber - 1),
  });
  const position = el("output", { class: "position" });
  const table = el("table");
  const problem = el("p", { class: "problem", id: "gate-explorer-problem", role: "alert" });
  const typed = el("input", {
    type: "text", id: "gate-explorer-sequence", spellcheck: "false", autocomplete: "off",
    "aria-describedby": "gate-explorer-problem", oninput: readSequence,
  });
  const sequenceLabel = el("label", { for: "gate-explorer-sequence" });
  const timeline = el(
    "fieldset", { class: "timeline" }, el("legend", {}, "Through time"),
    el("div", { class: "sequence" }, sequenceLabel, typed), problem,
    el("div", { class: "player" }, toStart, back, play, next, scrubber, position),
    el("div", {
      class: "trace", tabindex: 0, role: "region", "aria-label": "Input and state at each step",
    }, table),
  );
  const numbers = el("div", { class: "numbers" });
  const panel = el("div", { role: "tabpanel", id: "gate-explorer-panel", class: "panel" },
    choices, note, figure, timeline, numbers);
  const spoken = el("p", { class: "spoken", "aria-live": "polite" });
  const live = el("div", { class: "live" }, el("div", { class: "top" }, tablist, share), panel, spoken);

  // -- changing things

  function open(name) {
    stop();
    cell = name;
    build();
  }

  function choose(preset) {
    stop();
    chosen[cell] = preset;
    settings[cell] = complete(cell, preset);
    steps[cell] = 0;
    buildNumbers();
    refresh();
  }

  function walk(step) {
    stop();
    go(step);
  }

  function go(step) {
    steps[cell] = Math.min(Math.max(step, 0), trace.length - 1);
    refresh();
  }

  function playOn() {
    const last = trace.length - 1;
    if (still.matches) return go(last); // nothing moves by itself
    if (steps[cell] === last) go(0);
    timer = setInterval(() => {
      go(steps[cell] + 1);
      if (steps[cell] === trace.length - 1) stop();
    }, PAUSE);
    showPlayer();
  }

  function stop() {
    if (!timer) return;
    clearInterval(timer);
    timer = 0;
    showPlayer();
    announceSoon();
  }

  function readSequence() {
    stop();
    const setting = settings[cell];
    const { x, error } = parseSequence(typed.value, setting.x[0].length);
    typed.setAttribute("aria-invalid", Boolean(error));
    clearTimeout(worry);
    if (error) worry = setTimeout(() => (problem.textContent = error), QUIET);
    if (error) return;
    problem.textContent = "";
    setting.x = x;
    steps[cell] = Math.min(steps[cell], x.length - 1);
    refresh(typed);
  }

  async function copyLink() {
    const hash = `#explorer=${pack(cell, settings[cell], steps[cell])}`;
    history.replaceState(history.state, "", hash);
    let done = "Link copied";
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      done = "Link is in the address bar";
    }
    share.textContent = done;
    spoken.textContent = done;
    setTimeout(() => (share.textContent = "Copy link"), 2500);
  }

  function readLink() {
    const text = location.hash.match(/^#explorer=(.*)$/)?.[1];
    let found = null;
    try {
      found = text && unpack(decodeURIComponent(text));
    } catch {
      // not a link of ours
    }
    if (!found) return false;
    stop();
    cell = found.cell;
    settings[cell] = found.setting;
    steps[cell] = found.step;
    const same = (preset) => equal(complete(cell, preset), found.setting);
    chosen[cell] = presets[cell].find(same) ?? null;
    return true;
  }

  // -- showing things

  function build() {
    for (const [k, name] of Object.keys(CELLS).entries()) {
      tabs[k].setAttribute("aria-selected", name === cell);
      tabs[k].tabIndex = name === cell ? 0 : -1;
    }
    panel.setAttribute("aria-labelledby", `gate-explorer-tab-${cell}`);
    const groups = new Map();
    for (const preset of presets[cell]) {
      groups.set(preset.group, [...(groups.get(preset.group) ?? []), preset]);
    }
    choices.replaceChildren(
      ...[...groups].map(([group, some]) =>
        el("fieldset", {}, el("legend", {}, group), ...some.map((preset) =>
          el("button", {
            type: "button", "data-preset": preset.name,
            "aria-label": group === "Forget bias" ? `Forget bias ${preset.label}` : undefined,
            onclick: () => choose(preset),
          }, preset.label))),
      ),
    );
    picture.replaceChildren();
    buildNumbers();
    refresh();
  }

  function buildNumbers() {
    const setting = settings[cell];
    const size = setting.x[0].length;
    const wide = setting.linear ? 10 : 5;
    controls = [];
    const add = (options) => {
      const { set } = options;
      const made = control({ ...options, set: (value) => { stop(); set(value); refresh(); } });
      controls.push(made);
      return made.row;
    };
    const below = (k) => (size > 1 ? `_${k + 1}` : "");
    const spokenBelow = (k) => (size > 1 ? ` ${k + 1}` : "");
    const inputs = Array.from({ length: size }, (_, k) => add({
      label: symbol(`x${below(k)}`), name: `Input x${spokenBelow(k)} of this step`, limit: 5,
      get: () => setting.x[steps[cell]][k],
      set: (value) => (setting.x[steps[cell]][k] = value),
    }));
    const states = CELLS[cell].states.map((name) => add({
      label: symbol(`${name}_0`), limit: name === "h" && !setting.linear ? 1 : wide,
      name: `${name === "h" ? "Hidden" : "Cell"} state ${name} before the first step`,
      step: name === "h" && !setting.linear ? 0.05 : 0.1,
      get: () => setting[name],
      set: (value) => (setting[name] = value),
    }));
    const here = el("legend", {}, "Input and state");
    const hint = el("p", { class: "hint" });
    const boxes = [el("fieldset", { class: "inputs" }, here, ...inputs, ...states, hint)];
    controls.push({ show: () => {
      hint.replaceChildren(symbol("x"), ` is the input of step ${steps[cell] + 1}; `,
        ...(cell === "lstm" ? [symbol("h_0"), " and ", symbol("c_0"), " are the state"]
          : [symbol("h_0"), " is the state"]), " before step 1.");
    } });
    for (const [k, role, title] of CELLS[cell].shown) {
      const gate = setting.gates[k];
      const box = el("fieldset", { class: "gate", "data-role": role, "data-gate": title.split(" ")[0].toLowerCase() });
      const value = el("span", { class: "gate-value" });
      box.append(el("legend", {}, `${title} `, symbol(k), value));
      const one = (label, name, object, key) => add({
        label: symbol(label), name: `${title} ${name}`, limit: 12,
        get: () => object[key],
        set: (number) => (object[key] = number),
      });
      for (let j = 0; j < size; j++) {
        box.append(one(`W${below(j)}`, `weight W of input x${spokenBelow(j)}`, gate.W, j));
      }
      box.append(one("U", "weight U of h", gate, "U"), one("b", "bias b", gate, "b"));
      if (k === "n") box.append(one("b_n", "bias b n, inside the reset", gate, "bn"));
      controls.push({ show: () => (value.textContent = ` = ${shown(trace[steps[cell]][k])}`) });
      box.addEventListener("focusin", () => point(box.dataset.gate));
      box.addEventListener("focusout", () => point(""));
      boxes.push(box);
    }
    numbers.replaceChildren(...boxes);
  }

  // Shows which box of the drawing the reader's sliders belong to.
  function point(gate) {
    picture.dataset.touched = gate;
  }

  function refresh(source) {
    const setting = settings[cell];
    trace = run(cell, setting);
    const values = trace[steps[cell]];
    draw(values);
    showSums(values);
    showTable();
    showPlayer();
    for (const { show } of controls) show();
    const size = setting.x[0].length;
    sequenceLabel.replaceChildren(...(size > 1
      ? ["Inputs ", symbol("x_1"), " ", symbol("x_2"), " ", symbol("x_3"), ", three for each step"]
      : ["Inputs ", symbol("x"), ", one for each step"]));
    if (source !== typed) {
      typed.value = written(setting.x);
      typed.setAttribute("aria-invalid", false);
      clearTimeout(worry);
      problem.textContent = "";
    }
    const preset = chosen[cell];
    const same = preset && equal(complete(cell, preset), setting);
    for (const choice of choices.querySelectorAll("button")) {
      choice.setAttribute("aria-pressed", Boolean(same) && choice.dataset.preset === preset.name);
    }
    note.textContent = same
      ? preset.note
      : preset
        ? `Changed from “${preset.group === "Forget bias" ? "Forget bias " : ""}${preset.label}”. Press it again to go back.`
        : "A setting from a link.";
    if (!timer) announceSoon();
  }

  function draw(values) {
    const kind = settings[cell].linear ? "lstm-linear" : cell;
    const d = fill(drawings[kind], values);
    const { open: tag, title, ground, groups } = render(d, "gate-explorer-live");
    if (picture.dataset.kind !== kind || !picture.firstChild) {
      picture.dataset.kind = kind;
      picture.innerHTML = [tag, title, ground, ...groups, "</svg>"].join("");
    } else {
      const svg = picture.firstChild;
      svg.querySelector("title").textContent = d.alt;
      const old = svg.querySelectorAll(":scope > g");
      groups.forEach((group, k) => {
        if (group !== draw.groups[k]) old[k].outerHTML = group;
      });
    }
    draw.groups = groups;
  }

  // "c = f · c + i · g = 0.953 · 1.2 + …", each number in its gate's colour.
  function showSums(v) {
    const number = (value, role = "") => {
      const text = shown(value);
      const safe = text.startsWith("\u2212") ? `(${text})` : text;
      return el("span", { "data-role": role }, safe);
    };
    const name = (text, role = "") => {
      const made = symbol(text);
      made.dataset.role = role;
      return made;
    };
    const result = (value) => el("b", {}, shown(value));
    const lines = [];
    if (cell === "gru") {
      lines.push([
        name("h_t"), " = ", name("z_t", "forget"), " · ", name("h_t−1"),
        " + (1 − ", name("z_t", "forget"), ") · ", name("n_t", "candidate"),
        " = ", number(v.z, "forget"), " · ", number(v["h-previous"]),
        " + ", number(v["one-minus-z"], "forget"), " · ", number(v.n, "candidate"),
        " = ", result(v.h),
      ]);
    } else {
      lines.push([
        name("c_t"), " = ", name("f_t", "forget"), " · ", name("c_t−1"),
        " + ", name("i_t", "input"), " · ", name("g_t", "candidate"),
        " = ", number(v.f, "forget"), " · ", number(v["c-previous"]),
        " + ", number(v.i, "input"), " · ", number(v.g, "candidate"),
        " = ", result(v.c),
      ]);
      lines.push([
        name("h_t"), " = ", name("o_t", "output"), " · ",
        settings[cell].linear ? "" : "tanh ", name("c_t"),
        " = ", number(v.o, "output"), " · ", number(v["tanh-c"]),
        " = ", result(v.h),
      ]);
    }
    sums.replaceChildren(...lines.map((line) => el("p", {}, ...line)));
  }

  function showTable() {
    const size = settings[cell].x[0].length;
    const states = CELLS[cell].states;
    const all = trace.flatMap((v) => states.map((name) => v[name]));
    const [low, high] = [Math.min(0, ...all), Math.max(0, ...all)];
    const range = Math.max(high - low, 1e-9);
    const place = (value) => `${(100 * (value - low)) / range}%`;
    const here = (k) => (k === steps[cell] ? { class: "here" } : {});
    const row = (label, cells) => el("tr", {}, el("th", { scope: "row" }, ...label), ...cells);
    const heads = trace.map((_, k) =>
      el("th", { scope: "col", ...here(k) },
        el("button", {
          type: "button", "data-step": k + 1, "aria-label": `Step ${k + 1}`,
          "aria-current": k === steps[cell] ? "step" : undefined,
          onclick: () => walk(k),
        }, String(k + 1))));
    const bars = trace.map((v, k) => {
      const chart = el("div", { class: "chart" });
      chart.style.setProperty("--zero", place(0));
      for (const name of states) {
        const mark = el("i", { class: `mark-${name}` });
        mark.style.bottom = place(v[name]);
        if (name === "c" || cell === "gru") {
          const bar = el("i", { class: "bar" });
          bar.style.bottom = place(Math.min(0, v[name]));
          bar.style.height = `${(100 * Math.abs(v[name])) / range}%`;
          chart.append(bar);
        }
        chart.append(mark);
      }
      return el("td", here(k), chart);
    });
    const focused = table.contains(document.activeElement) && document.activeElement.dataset.step;
    const inputs = Array.from({ length: size }, (_, j) =>
      row([symbol(size > 1 ? `x_${j + 1}` : "x")], trace.map((v, k) => el("td", here(k), shown(v.x[j])))));
    const outputs = [...states].reverse().map((name) => {
      const line = row([symbol(name), " ", el("i", { class: `key key-${name}`, "aria-hidden": "true" })], trace.map((v, k) =>
        el("td", { ...here(k), "data-value": v[name] }, brief(v[name]))));
      line.dataset.row = name;
      return line;
    });
    const charts = row([], bars);
    charts.setAttribute("aria-hidden", "true");
    charts.firstChild.replaceWith(el("td"));
    table.replaceChildren(
      el("thead", {}, row(["step"], heads)),
      el("tbody", {}, ...inputs, charts, ...outputs),
    );
    table.dataset.cell = cell;
    if (focused) table.querySelector(`button[data-step="${steps[cell] + 1}"]`).focus();
    const current = table.querySelector("thead .here");
    const frame = table.parentNode;
    const side = table.querySelector("thead th").offsetWidth;
    if (current.offsetLeft - side < frame.scrollLeft) frame.scrollLeft = current.offsetLeft - side;
    const over = current.offsetLeft + current.offsetWidth - frame.clientWidth;
    if (over > frame.scrollLeft) frame.scrollLeft = over;
  }

  function showPlayer() {
    const [step, count] = [steps[cell], trace.length];
    scrubber.max = count;
    scrubber.value = step + 1;
    colour(scrubber, 1);
    scrubber.setAttribute("aria-valuetext", `Step ${step + 1} of ${count}`);
    position.textContent = `${step + 1} of ${count}`;
    for (const [one, off] of [[toStart, step === 0], [back, step === 0], [next, step === count - 1]]) {
      one.setAttribute("aria-disabled", off); // and can keep the focus
    }
    play.textContent = still.matches ? "To the end" : timer ? "Pause" : "Play";
  }

  function announceSoon() {
    clearTimeout(quiet);
    quiet = setTimeout(announce, QUIET);
  }

  function announce() {
    const v = trace[steps[cell]];
    const say = (name, value = v[name]) => `${name} ${shown(value)}`;
    const gates = CELLS[cell].shown.map(([k]) => say(k)).join(", ");
    const states = [...CELLS[cell].states].reverse().map((name) => say(name)).join(", ");
    spoken.textContent = `Step ${steps[cell] + 1} of ${trace.length}: ${say("x")}; ${gates}; new ${states}.`;
  }

  // -- begin

  const linked = readLink();
  build();
  clearTimeout(quiet); // nothing has changed yet
  root.append(live);
  root.classList.add("is-live");
  showTable(); // now that its size is known
  if (linked) root.scrollIntoView();
  addEventListener("hashchange", () => {
    if (readLink()) {
      build();
      root.scrollIntoView();
    }
  });
  still.addEventListener("change", () => {
    stop();
    showPlayer();
  });
}

// Three digits at most two of which follow the point: for a narrow column.
function brief(value) {
  const size = Math.abs(value);
  if (size < 0.005) return "0";
  if (size >= 1e4) return shown(value);
  return String(Number(value.toFixed(size < 100 ? 2 : 0)) + 0).replace("-", "\u2212");
}

const equal = (a, b) => JSON.stringify(a) === JSON.stringify(b);

const root = document.getElementById("gate-explorer");
if (root) start(root);
