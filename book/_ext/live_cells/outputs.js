// What a cell shows, as elements like those the book's own outputs are made of.

const FORMS = ["text/html", "image/svg+xml", "image/png", "image/jpeg", "text/plain"]; // best first

// The outputs of one run. root: the element; add: one more output, in the
// notebook's format; isEmpty: whether there is none.
// name: for alternative texts; links: {from, to}, where links to this book lead.
export class Outputs {
  constructor(name, links) {
    this.root = el("div", "cell_output docutils container live-output");
    Object.assign(this, { name, links, last: null, clearing: false });
  }

  get isEmpty() {
    return !this.root.hasChildNodes();
  }

  add(output) {
    if (output.output_type === "clear_output") {
      this.clearing = true; // when the next comes, so that nothing jumps
      if (!output.wait) this.clear();
      return;
    }
    if (this.clearing) this.clear();
    if (output.output_type === "stream") {
      this.stream(output);
      return;
    }
    this.last = null;
    this.root.append(output.output_type === "error" ? failure(output) : this.rich(output));
  }

  clear() {
    this.root.replaceChildren();
    this.last = null;
    this.clearing = false;
  }

  // Text goes on where the text before it ended.
  stream({ name, text }) {
    if (this.last?.name !== name) {
      const element = lines(name === "stderr" ? "stderr" : "stream", "");
      this.last = { name, text: "", pre: element.querySelector("pre") };
      this.root.append(element);
    }
    this.last.text += text;
    this.last.pre.textContent = asOnTerminal(this.last.text);
  }

  rich({ data, metadata = {} }) {
    const form = FORMS.find((mime) => mime in data);
    const content = form && [data[form]].flat().join("");
    if (form === "text/html") return this.inPage("output text_html", content);
    if (form === "image/svg+xml") {
      const figure = content.includes('class="computed-figure"');
      return this.inPage(figure ? "computed-figure" : "output image_svg", content, figure ? "figure" : "div");
    }
    if (form?.startsWith("image/")) {
      const image = el("img");
      image.src = `data:${form};base64,${content.replace(/\s/g, "")}`;
      image.alt = `Figure shown by ${this.name}`;
      if (metadata[form]?.width) image.width = metadata[form].width;
      return el("div", "output image_png", image);
    }
    return lines("text_plain", content ?? `(${Object.keys(data).join(", ")})`);
  }

  inPage(className, html, tag = "div") {
    const element = el(tag, className);
    element.append(...harmless(html).childNodes);
    for (const link of element.querySelectorAll("a[href]")) {
      const { from, to } = this.links;
      const address = link.getAttribute("href");
      if (from && address.startsWith(from)) link.href = to + address.slice(from.length);
    }
    return element;
  }
}

function el(tag, className = "", ...children) {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...children);
  return element;
}

const lines = (kind, text) =>
  el("div", `output ${kind} highlight-none notranslate`, el("div", "highlight", el("pre", "", text)));

function failure({ traceback }) {
  const element = lines("traceback", `${traceback.slice(0, -1).join("\n")}\n`);
  const message = el("strong", "", traceback.at(-1) ?? "");
  element.querySelector("pre").append(message);
  return element;
}

// Colours of a terminal go; a line that was written over is the newer one.
const asOnTerminal = (text) =>
  text.replace(/\x1b\[[0-9;]*[A-Za-z]/g, "").replace(/\r\n/g, "\n").replace(/^.*\r/gm, "");

// ---- HTML and SVG of a reader's own code --------------------------------------

const UNWANTED = "script, iframe, frame, object, embed, base, link, meta, portal";
const REFERRING = ["for", "headers", "list", "form", "aria-labelledby", "aria-describedby", "aria-controls", "aria-owns"];
let count = 0;

// The body of an HTML text that starts no script and shares no id with the page.
export function harmless(html) {
  const { body, head } = new DOMParser().parseFromString(html, "text/html");
  body.prepend(...head.querySelectorAll("style")); // the parser's place for what comes first
  for (const element of body.querySelectorAll(UNWANTED)) element.remove();
  for (const element of body.querySelectorAll("*")) {
    for (const { name, value } of [...element.attributes]) {
      const script = /^[\s\x00-\x1f]*(javascript|vbscript)\s*:/i.test(value);
      if (/^on/i.test(name) || name === "srcdoc" || script) element.removeAttribute(name);
    }
  }
  ownIds(body, `live-${++count}-`);
  return body;
}

function ownIds(body, prefix) {
  const ids = new Set([...body.querySelectorAll("[id]")].map(({ id }) => id));
  const pointed = (text) =>
    text.replace(/url\((["']?)#([^)"']+)\1\)/g, (all, quote, id) => (ids.has(id) ? `url(#${prefix}${id})` : all));
  for (const element of body.querySelectorAll("*")) {
    for (const { name, value } of [...element.attributes]) {
      let own = pointed(value);
      if (name === "id") own = prefix + value;
      if (/(^|:)href$/.test(name) && ids.has(value.slice(1)) && value[0] === "#") own = `#${prefix}${value.slice(1)}`;
      if (REFERRING.includes(name)) {
        own = value.split(/\s+/).map((id) => (ids.has(id) ? prefix + id : id)).join(" ");
      }
      if (own !== value) element.setAttribute(name, own);
    }
    if (element.localName === "style") {
      element.textContent = pointed(element.textContent).replace(
        /#([\w-]+)/g, (all, id) => (ids.has(id) ? `#${prefix}${id}` : all),
      );
    }
  }
}
