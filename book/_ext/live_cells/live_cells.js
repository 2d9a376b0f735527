// Live cells: code of the book that a reader changes and runs in the page.
//
// This module holds the cells of a page together: which runs when, and what is
// kept. The editor comes when a reader first uses a cell, Python when one runs.

import { AGAIN, Cell } from "./cell.js";
import { download, Kept, notebook } from "./keep.js";
import { Python } from "./python.js";

class Page {
  constructor(root) {
    const { page, cells, site } = JSON.parse(root.querySelector("script").textContent);
    const top = new URL(document.documentElement.dataset.content_root ?? "./", location);
    this.root = root;
    this.links = { from: site, to: top.href };
    this.kept = new Kept(page);
    this.python = new Python();
    this.queue = []; // of {cell, check}: what runs, and what waits
    this.running = null;
    this.tries = 0;
    this.file = `${page.split("/").pop()}-live.ipynb`;
    this.cells = [];
    const elements = document.querySelectorAll("div.cell.tag_live");
    cells.forEach((cell, k) => this.cells.push(new Cell(this, elements[k], cell, k + 1)));
    this.note = root.querySelector(".note");
    root.querySelector("button").addEventListener("click", () => this.download());
    root.hidden = false;
    if (this.cells.some(({ source, book }) => source !== book)) this.openEditors(this.cells[0]);
    addEventListener("pagehide", () => this.cells.forEach((cell) => cell.timer && cell.keep()));
  }

  get busy() {
    return this.queue.length > 0;
  }

  isIn(cell) {
    return this.running === cell || this.queue.some((job) => job.cell === cell);
  }

  refresh() {
    for (const cell of this.cells) cell.refresh();
  }

  // All cells get an editor, at the first use of one. Returns whether they have.
  async openEditors(cell, isQuiet = false) {
    const say = (...words) => isQuiet || cell.say(...words);
    if (!cell.editor) {
      say("Loading the editor");
      try {
        // A browser may remember that a module failed: another address each time.
        const again = this.tries ? `?again=${this.tries}` : "";
        const { edit } = await import(new URL(`editor.js${again}`, import.meta.url));
        for (const each of this.cells) if (!each.editor) each.open(edit);
        say("");
      } catch {
        this.tries += 1;
        say("The editor could not be loaded. Are you offline? Try again later.", "wrong");
      }
    }
    return cell.editor !== null;
  }

  // ---- running

  // Run a cell after those that wait, and after the cells above that must run first.
  async run(cell, check = false) {
    if (this.isIn(cell)) return;
    this.openEditors(cell, true); // so that a network is not needed later
    this.queue.push({ cell, check });
    if (this.queue.length > 1) cell.say("Waiting");
    this.refresh();
    if (this.queue.length > 1) return;
    while (this.queue.length) {
      const ended = await this.runWithAbove(this.queue[0]);
      if (!ended) this.queue.splice(1).forEach((job) => job.cell.say("Not run."));
      this.queue.shift();
      this.running = null;
      this.refresh();
    }
  }

  async runWithAbove({ cell, check }) {
    try {
      for (const above of this.cells.slice(0, cell.number - 1)) {
        if (above.ran === above.source) continue;
        cell.say(`Waiting for ${above.name}`);
        this.running = above;
        this.refresh();
        if (!(await above.run(false))) {
          cell.say(`Not run, because ${above.name} above failed.`, "wrong");
          return false;
        }
      }
      this.running = cell;
      this.refresh();
      return await cell.run(check);
    } catch (error) {
      for (const each of this.cells) each.ran = null; // Python has ended
      this.report(error, this.running ?? cell, cell);
      return false;
    }
  }

  // Something other than the cell's own code went wrong, or a reader pressed Stop.
  report({ message, stopped }, running, asked) {
    for (const cell of new Set([running, asked])) {
      cell.say(stopped ? "Stopped." : message, stopped ? "" : "wrong");
    }
    if (stopped === "running") {
      running.say(
        "Stopped. All that the cells had computed is lost; the next Run starts Python " +
        "again and runs the cells above first.",
      );
    } else if (!stopped) {
      running.say(`${message} ${AGAIN}`, "wrong");
    }
  }

  // A cell whose text is new changes what all below it stand on.
  hasRun(cell, source) {
    if (cell.ran !== source) {
      for (const below of this.cells.slice(cell.number)) below.ran = null;
    }
    cell.ran = source;
  }

  stop() {
    this.queue.splice(1).forEach(({ cell }) => cell.say("Not run."));
    this.python.stop();
  }

  // ---- keeping

  cannotKeep(cell) {
    if (this.note.textContent) return; // once is enough
    cell.say("Your changes cannot be kept in this browser.", "wrong");
    this.note.textContent =
      "This browser has no room or no permission to keep your changes. They are here " +
      "until you leave the page; the download has them.";
  }

  download() {
    const heading = document.querySelector("h1")?.cloneNode(true);
    heading?.querySelector(".headerlink")?.remove();
    const title = heading?.textContent.trim() ?? document.title;
    const address = location.href.replace(/[#?].*/, "");
    download(this.file, notebook(title, address, this.cells));
  }
}

// The theme listens for its Ctrl-K before the editor can hear it; this listens first.
addEventListener(
  "keydown",
  (event) => {
    const { key, ctrlKey, metaKey, target } = event;
    if ((ctrlKey || metaKey) && /^k$/i.test(key) && target.closest(".cm-content")) {
      event.stopImmediatePropagation();
      event.preventDefault();
    }
  },
  true,
);

const root = document.getElementById("live-cells");
if (root) new Page(root);
