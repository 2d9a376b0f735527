// One live cell: its code, its buttons, what it says and what it shows.
//
// Its text, the text that ran and its outputs are all its state; `ran` is null
// where Python knows nothing of it.

import { Outputs } from "./outputs.js";

export const AGAIN = "Press Run to try again.";
const MEGABYTE = 1e6;
const QUIET = 400; // milliseconds without a keystroke before a text is kept

function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export class Cell {
  constructor(page, element, { id, source, exercise }, number) {
    Object.assign(this, { page, element, id, book: source, source, exercise, number });
    this.name = `cell ${number}`;
    this.ran = null; // the text that Python has run
    this.editor = null;
    this.input = element.querySelector(".cell_input");
    this.still = this.input.firstElementChild; // the code as the book shows it
    this.stored = element.querySelector(".cell_output"); // the book's outputs, or null
    this.addBar();
    this.makeEditable(this.still, (at) => this.edit(at));
    this.pre = this.still.querySelector("pre");
    this.html = this.pre.innerHTML;
    const kept = page.kept.load(id);
    if (kept) {
      this.source = this.pre.textContent = kept.source;
      this.old = kept.base !== source;
    }
    this.refresh();
  }

  addBar() {
    const button = (text, onclick) =>
      el("button", { type: "button", "aria-label": `${text} ${this.name}`, onclick }, text);
    const unlessOff = (action) => ({ currentTarget }) => {
      if (currentTarget.getAttribute("aria-disabled") !== "true") action();
    };
    this.buttons = {
      run: button("Run", unlessOff(() => this.page.run(this))),
      ...(this.exercise && { check: button("Check", unlessOff(() => this.page.run(this, true))) }),
      reset: button("Reset", unlessOff(() => this.reset())),
      stop: button("Stop", unlessOff(() => this.page.stop(this))),
    };
    this.buttons.run.title = "Shift-Enter";
    this.says = el("span", { role: "status" });
    this.hint = el("span", { class: "hint" });
    this.bytes = el("progress", { "aria-label": `Loading for ${this.name}`, hidden: "" });
    this.bar = el(
      "div", { class: "live-bar", role: "group", "aria-label": `Cell ${this.number}` },
      el("span", { class: "number" }, `Cell ${this.number}`),
      el("span", { class: "buttons" }, ...Object.values(this.buttons)),
      el("span", { class: "words" }, this.bytes, this.says, this.hint),
    );
    const folded = this.input.closest("details"); // code that the book hides
    const anchor = folded && !folded.contains(this.stored) ? folded : this.input;
    anchor.after(this.bar);
    this.shown = this.stored; // the outputs that stand in the page, or null
    this.place = document.createComment(""); // they stand before it
    if (this.stored) this.stored.after(this.place);
    else this.bar.after(this.place);
  }

  // Enter, a click or Shift-Enter on what shows the code.
  makeEditable(frame, onEdit) {
    frame.tabIndex = 0;
    frame.setAttribute("role", "group");
    frame.setAttribute("aria-label", `Code of ${this.name}. Press Enter to change it.`);
    frame.addEventListener("keydown", (event) => {
      const isHere = event.target === frame || event.target.localName === "pre";
      if (event.key !== "Enter" || !isHere) return;
      event.preventDefault();
      if (event.shiftKey || event.ctrlKey || event.metaKey) this.page.run(this);
      else onEdit();
    });
    if (frame === this.still) {
      frame.classList.add("live-still");
      frame.addEventListener("click", (event) => {
        const isCopying = !getSelection().isCollapsed || event.target.closest("button");
        if (!isCopying) onEdit({ x: event.clientX, y: event.clientY });
      });
    }
  }

  // Put the cursor into the editor, at a place in the window if one is given.
  async edit(at) {
    if (await this.page.openEditors(this)) this.editor.focus(at);
  }

  open(createEditor) {
    const parent = el("div", { class: "live-editor highlight" });
    this.still.after(parent);
    this.still.hidden = true;
    this.editor = createEditor({
      parent,
      source: this.source,
      label: `Code of ${this.name}. Escape leaves it.`,
      onRun: () => this.page.run(this),
      onLeave: () => this.editor.frame.focus(),
      onChange: (source) => this.change(source),
    });
    this.makeEditable(this.editor.frame, () => this.editor.focus());
    // The theme has shortcuts of its own for "/" and others.
    for (const name of ["keydown", "keypress", "keyup"]) {
      parent.addEventListener(name, (event) => {
        if (event.target !== this.editor.frame) event.stopPropagation();
      });
    }
  }

  change(source) {
    this.source = source;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keep(), QUIET);
    this.refresh();
  }

  keep() {
    clearTimeout(this.timer);
    this.timer = null;
    if (this.source === this.book) {
      this.page.kept.remove(this.id);
    } else if (!this.page.kept.save(this.id, this.source, this.book)) {
      this.page.cannotKeep(this);
    }
  }

  reset() {
    this.old = false;
    this.source = this.book;
    this.pre.innerHTML = this.html;
    this.editor?.replace(this.book);
    this.keep();
    this.showOutputs(this.stored);
    this.say("Reset to the book’s code.");
    this.refresh();
  }

  // ---- what it says

  say(text, kind = "") {
    this.says.textContent = text;
    this.says.className = kind;
    this.bytes.hidden = true;
  }

  // A text, and bytes that came and that are to come.
  progress(text, bytes) {
    if (this.says.textContent !== text) this.say(text);
    this.bytes.hidden = !bytes;
    this.hint.textContent = "";
    if (!bytes) return;
    [this.bytes.max, this.bytes.value] = [bytes.all, bytes.done];
    const [done, all] = [bytes.done, bytes.all].map((n) => (n / MEGABYTE).toFixed(1));
    if (bytes.all > 1) this.hint.textContent = `${done} of ${all} MB`;
  }

  // Which buttons do something now.
  refresh() {
    const { busy } = this.page;
    const isIn = this.page.isIn(this);
    const changed = this.source !== this.book;
    const able = {
      run: !isIn, check: !isIn, stop: busy && isIn,
      reset: !isIn && (changed || this.shown !== this.stored),
    };
    for (const [name, button] of Object.entries(this.buttons)) {
      button.setAttribute("aria-disabled", String(!able[name]));
    }
    if (!isIn) {
      this.hint.textContent = !changed ? "" : this.old
        ? "Your version of an older text: Reset shows the book’s new one."
        : "Your version.";
    }
  }

  // ---- its outputs

  showOutputs(outputs) {
    if (outputs === this.shown) return;
    this.shown?.remove();
    this.shown = outputs;
    if (!outputs) return;
    this.place.before(outputs);
    outputs.closest("details")?.setAttribute("open", "");
  }

  // Run once. Returns whether all went well; throws Trouble.
  async run(check) {
    const source = this.source;
    const outputs = new Outputs(this.name, this.page.links);
    const show = () => this.showOutputs(outputs.isEmpty ? null : outputs.root);
    this.element.classList.add("live-running"); // what stands there is from before
    const start = performance.now();
    try {
      const { passed, score, trouble } = await this.page.python.run(
        { source, cell: this.number, exercise: check ? this.exercise : undefined },
        {
          onOutput: (output) => {
            this.element.classList.remove("live-running");
            outputs.add(output);
            if (!outputs.isEmpty) show();
          },
          onProgress: (text, bytes) => this.progress(text, bytes),
        },
      );
      if (trouble) {
        this.say(`${trouble} ${AGAIN}`, "wrong");
        return false;
      }
      show();
      this.page.hasRun(this, passed ? source : null);
      this.say(...verdict(passed, check, score, performance.now() - start));
      return passed;
    } finally {
      this.element.classList.remove("live-running");
    }
  }
}

function verdict(passed, check, score, milliseconds) {
  if (!passed) return ["It ended with an error.", "wrong"];
  if (check && score === 1) return ["Right: every case passed.", "right"];
  if (check) return ["Not right yet: see below.", "wrong"];
  const seconds = (milliseconds / 1000).toFixed(1);
  return [milliseconds < 1000 ? "Done." : `Done in ${seconds} s.`];
}
