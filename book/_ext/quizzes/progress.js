// How far a reader has come: pages read, quizzes passed.
//
// It is kept in this browser's local storage, under one key, and nowhere else.
// Where storage is full or forbidden it lasts until the page is left, and the
// page says so once.

const HOME = new URL(document.documentElement.dataset.content_root ?? "./", location);
const KEY = `quizzes:${HOME.pathname}`; // another book of the same site has its own
const PAGE = pageOf(location);
const TROUBLE =
  "This browser does not let the book keep your progress. It lasts until you leave this page.";

const names = [...document.querySelectorAll(".quiz")].map((quiz) => quiz.id);
const listeners = [];
let broken = false;
let pages = load();
const panel = makePanel();

export const isPassed = (name) => entry(PAGE).passed.includes(name);

export function pass(name) {
  if (!isPassed(name)) change({ passed: [...entry(PAGE).passed, name] });
}

// Call back now, and at every change, also one in another window.
export function follow(listener) {
  listeners.push(listener);
  listener();
}

// ---- what is kept -------------------------------------------------------------

// "notebooks/04_gates" of an address in this book; null of another.
function pageOf({ pathname }) {
  if (!pathname.startsWith(HOME.pathname)) return null;
  return decodeURI(pathname.slice(HOME.pathname.length)).replace(/\.html$/, "");
}

// What is known of a page, also of one never seen, or kept by an older version.
function entry(page) {
  const { read, passed, questions } = pages[page] ?? {};
  return {
    read: read === true,
    passed: Array.isArray(passed) ? passed : [],
    questions: Number(questions) || 0,
  };
}

function load() {
  try {
    const found = parse(localStorage.getItem(KEY))?.pages;
    return found && typeof found === "object" ? found : {};
  } catch {
    broken = true;
    return {};
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // not ours
  }
}

const text = () => JSON.stringify({ version: 1, pages }, null, 1);

function change(edit) {
  if (!broken) pages = load(); // another window may have changed it
  const { passed, ...rest } = { ...entry(PAGE), questions: names.length, ...edit };
  pages[PAGE] = { ...rest, passed: passed.filter((name) => names.includes(name)) };
  store(() => localStorage.setItem(KEY, text()));
}

function erase() {
  pages = {};
  store(() => localStorage.removeItem(KEY));
}

function store(write) {
  try {
    write();
  } catch {
    broken = true;
  }
  for (const listener of listeners) listener();
}

function reload() {
  if (broken) return;
  pages = load();
  for (const listener of listeners) listener();
}

// ---- what is shown ------------------------------------------------------------

export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// At the end of the page: the tick, the count, and what can be done with it.
function makePanel() {
  const box = el("input", { type: "checkbox", onchange: () => change({ read: box.checked }) });
  const count = el("p", { class: "reading-count" });
  const said = el("p", { class: "reading-said", role: "status" });
  const section = el(
    "section",
    { class: "reading-progress", "aria-label": "Your progress" },
    el("label", {}, box, " Mark this page as read"),
    count,
    el(
      "p",
      { class: "reading-kept" },
      "Kept in this browser, and nowhere else. ",
      el("button", { type: "button", onclick: download }, "Save as a file"),
      " ",
      el("button", { type: "button", onclick: askAndErase }, "Erase"),
    ),
    said,
  );
  document.querySelector("article")?.append(section);
  return { box, count, said };
}

function download() {
  const link = el("a", {
    href: URL.createObjectURL(new Blob([text()], { type: "application/json" })),
    download: "progress.json",
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function askAndErase() {
  if (confirm("Erase your progress in the whole book?")) erase();
}

function showPanel() {
  const { read } = entry(PAGE);
  const done = names.filter(isPassed).length;
  panel.box.checked = read;
  panel.count.textContent = `${inWords(done, names.length)}.`;
  panel.count.hidden = !names.length;
  if (broken && !panel.said.textContent) panel.said.textContent = TROUBLE;
}

const inWords = (done, all) =>
  `${done === all ? `All ${all}` : `${done} of ${all}`} questions answered`;

// Beside a chapter's title in the sidebar: "✓ 2/6".
function showSidebar() {
  for (const link of document.querySelectorAll("nav.bd-links a.internal")) {
    link.querySelector(".reading-mark")?.remove();
    const { read, passed, questions } = entry(pageOf(link));
    const seen = [read && "✓", passed.length && `${passed.length}/${questions}`];
    const said = [read && "read", passed.length && inWords(passed.length, questions)];
    if (!seen.some(Boolean)) continue;
    link.append(
      el(
        "span",
        { class: "reading-mark" },
        el("span", { "aria-hidden": "true" }, seen.filter(Boolean).join(" ")),
        el("span", { class: "reading-spoken" }, ` (${said.filter(Boolean).join(", ")})`),
      ),
    );
  }
}

follow(showPanel);
follow(showSidebar);
addEventListener("storage", ({ key }) => (key === KEY || key === null) && reload());
addEventListener("pageshow", ({ persisted }) => persisted && reload());
