// The drawing of lstm_lib.draw, from the same description and with the same
// result: a test compares the SVG text with Python's, byte for byte.

const COLORS = {
  ink: "#24292f", muted: "#6a737d", input: "#00734c", forget: "#b54200",
  candidate: "#a03a78", output: "#0062a3", paper: "#fffffe", ground: "#fffffd",
};
const SIZES = { name: 16, value: 13.5, symbol: 18, word: 12, note: 12 };
const MINUS = "\u2212";

// ---- numbers as text --------------------------------------------------------

// Python's f"{value:.3g}": a number just between two goes to the even digit.
export function general(value) {
  if (!Number.isFinite(value)) return String(value);
  let [digits, exponent] = value.toExponential(2).split("e");
  const longer = value.toExponential(3).split("e");
  if (longer[0].endsWith("5") && Number(longer.join("e")) === value) {
    const down = longer[0].slice(0, -1);
    if ("02468".includes(down.at(-1))) [digits, exponent] = [down, longer[1]];
  }
  const power = Number(exponent);
  if (power >= -4 && power < 3) return String(Number(`${digits}e${power}`));
  const sign = power < 0 ? "-" : "+";
  return `${Number(digits)}e${sign}${String(Math.abs(power)).padStart(2, "0")}`;
}

// A value on a wire: three digits, with a true minus sign.
export function shown(value) {
  if (Array.isArray(value)) {
    const numbers = value.map(shown).join(", ");
    return value.length > 1 ? `(${numbers})` : numbers;
  }
  value += 0; // no minus before a zero
  const size = Math.abs(value);
  if (size && !(size >= 1e-3 && size < 1e4)) {
    const [digits, exponent] = value.toExponential(2).split("e");
    return `${digits}e${Number(exponent)}`.replaceAll("-", MINUS);
  }
  return general(value).replaceAll("-", MINUS);
}

// ---- values into a description ----------------------------------------------

// A description with the values of one step in place of its own.
export function fill(drawing, values) {
  const wires = drawing.wires.map((wire) => {
    const value = values[wire.name];
    const labels = wire.labels.map((label) =>
      label.style === "value" ? { ...label, runs: [[shown(value), "plain"]] } : label,
    );
    return { ...wire, value, labels };
  });
  const nodes = drawing.nodes.map((node) => {
    if (!node.level) return node;
    const value = wires.find((wire) => wire.from === node.name).value;
    const start = node.level[0]; // 0 for a gate, 0.5 where values have a sign
    const end = start ? 0.5 + value / 2 : value;
    return { ...node, level: [start, Math.min(Math.max(end, 0), 1)] };
  });
  const alt = drawing.words.replace(/<([\w-]+)>/g, (_, name) =>
    general([values[name]].flat()[0] + 0),
  );
  return { ...drawing, nodes, wires, alt };
}

// ---- from data to SVG -------------------------------------------------------

// The opening tag and the groups, in the order in which they are drawn.
export function render(d, name) {
  const number = (key) => short(d[key]);
  const size = `width="${number("width")}" height="${number("height")}"`;
  const box = ["left", "top", "width", "height"].map(number).join(" ");
  const open =
    `<svg class="computed-figure" role="img" aria-labelledby="${name}-title" ` +
    `xmlns="http://www.w3.org/2000/svg" viewBox="${box}" ${size} ` +
    'style="font-family: var(--figure-font, sans-serif)">';
  const title = `<title id="${name}-title">${escape(d.alt)}</title>`;
  const ground =
    `<rect x="${number("left")}" y="${number("top")}" ${size} ` +
    `style="fill: ${color("paper")}"/>`;
  const frames = d.nodes.filter((node) => node.shape === "frame");
  const others = d.nodes.filter((node) => node.shape !== "frame");
  const groups = [...frames.map(drawNode), ...d.wires.map(drawWire), ...others.map(drawNode)];
  return { open, title, ground, groups };
}

export function svg(d, name) {
  const { open, title, ground, groups } = render(d, name);
  return [open, title, ground, ...groups, "</svg>"].join("\n") + "\n";
}

function drawNode(node) {
  const { x, y, width: w, height: h } = node;
  const weight = { box: 2, circle: 1.8, frame: 1.2, none: 0 }[node.shape];
  const line = `stroke: ${color(node.role)}; stroke-width: ${weight}`;
  const parts = [];
  if (node.shape === "circle") {
    const circle = (r, style) =>
      `<circle cx="${short(x)}" cy="${short(y)}" r="${short(r)}" style="${style}"/>`;
    parts.push(circle(w / 2, `fill: ${color("ground")}; ${line}`));
    if (node.mark === "⊙") parts.push(circle(2.6, `fill: ${color(node.role)}`));
    if (node.mark === "+") {
      const d = `M${short(x - 6)} ${short(y)}h12M${short(x)} ${short(y - 6)}v12`;
      parts.push(`<path d="${d}" style="${line}"/>`);
    }
  } else if (node.shape !== "none") {
    const frame = node.shape === "frame";
    const box = (style) => rect(x, y, w, h, frame ? 16 : 8, style);
    const ground = frame
      ? `fill: ${color("ink")}; fill-opacity: 0.03`
      : `fill: ${color("ground")}`;
    parts.push(box(`${ground}; stroke: none`));
    if (node.level) parts.push(level(node));
    parts.push(box(`fill: none; ${line}`));
  }
  return group("node", node, parts);
}

// How full a box is: a tint between two heights and marks at the level.
function level(node) {
  const { x, y, width: w, height: h } = node;
  const [low, high] = [...node.level].sort((a, b) => a - b);
  const [left, bottom, inset] = [x - w / 2, y + h / 2, 3];
  const [room, usable] = [w - 2 * inset, h - 2 * inset];
  const [top, foot, mark] = [high, low, node.level[1]].map(
    (part) => bottom - inset - usable * part,
  );
  const tint =
    `<rect x="${short(left + inset)}" y="${short(top)}" ` +
    `width="${short(room)}" height="${short(foot - top)}" rx="4" ` +
    `style="fill: ${color(node.role)}; fill-opacity: 0.24"/>`;
  const d = `M${short(left)} ${short(mark)}h5M${short(left + w)} ${short(mark)}h-5`;
  return `${tint}<path d="${d}" style="stroke: ${color(node.role)}; stroke-width: 3"/>`;
}

function drawWire(wire) {
  const own = color(wire.role);
  const line = `fill: none; stroke: ${own}; stroke-width: ${wire.weight}`;
  const parts = [`<path d="${wire.path}" style="${line}"/>`];
  if (wire.head) parts.push(`<path d="${wire.head}" style="fill: ${own}"/>`);
  if (wire.dot) {
    const [x, y] = wire.points[0].map(short);
    parts.push(`<circle cx="${x}" cy="${y}" r="3.6" style="fill: ${own}"/>`);
  }
  return group("wire", wire, parts);
}

function group(what, item, parts) {
  const title = item.title ? `<title>${escape(item.title)}</title>` : "";
  const labels = item.labels.map(text).join("");
  return `<g data-${what}="${item.name}">${title}${parts.join("")}${labels}</g>`;
}

function text(label) {
  const size = SIZES[label.style];
  let drop = 0;
  const spans = label.runs.map(([piece, kind]) => {
    let attributes = "";
    if (kind === "variable") attributes += ' font-style="italic"';
    if (kind === "subscript") attributes += ` font-size="${short(size * 0.72)}"`;
    const shift = (kind === "subscript" ? 4 : 0) - drop;
    drop += shift;
    if (shift) attributes += ` dy="${shift}"`;
    return attributes ? `<tspan${attributes}>${escape(piece)}</tspan>` : escape(piece);
  });
  let style = `fill: ${color(label.role)}`;
  if (label.anchor !== "start") style += `; text-anchor: ${label.anchor}`;
  if (label.style === "value") style += "; font-variant-numeric: tabular-nums";
  return (
    `<text x="${short(label.x)}" y="${short(label.y)}" font-size="${short(size)}" ` +
    `data-text="${label.style}" style="${style}">${spans.join("")}</text>`
  );
}

function rect(x, y, width, height, radius, style) {
  return (
    `<rect x="${short(x - width / 2)}" y="${short(y - height / 2)}" ` +
    `width="${short(width)}" height="${short(height)}" rx="${radius}" style="${style}"/>`
  );
}

const color = (role) => `var(--figure-${role}, ${COLORS[role]})`;

const short = (value) => String(Number(value.toFixed(2)) + 0);

const escape = (words) =>
  words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
