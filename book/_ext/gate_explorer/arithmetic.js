// One step of one unit, in float64, with the formulas of lstm_lib.cells.
//
// gates: letter -> {W: [D numbers], U, b}, as presets.json has them with
// nothing left out. Each function returns every value by the name of the wire
// that carries it in lstm_lib.draw.

export const sigmoid = (z) => 0.5 * Math.tanh(0.5 * z) + 0.5;

const dot = (x, W) => x.reduce((sum, value, k) => sum + value * W[k], 0);

export function lstmStep(x, h, c, gates, linear = false) {
  const squash = linear ? (z) => z : Math.tanh;
  const z = (k) => dot(x, gates[k].W) + h * gates[k].U + gates[k].b;
  const [zi, zf, zg, zo] = ["i", "f", "g", "o"].map(z);
  const [i, f, o] = [zi, zf, zo].map(sigmoid); // gates, in (0, 1)
  const g = squash(zg); // candidate
  const [kept, written] = [f * c, i * g];
  const next = kept + written; // keep some, write some
  const read = squash(next);
  const shown = o * read; // show some
  return {
    x, "h-previous": [h], "c-previous": c, inputs: [h, ...x],
    "to-forget": zf, "to-input": zi, "to-candidate": zg, "to-output": zo,
    f, i, g, o, kept, written, c: next, "c-to-readout": next, "tanh-c": read,
    h: shown, "h-up": shown, "h-next": shown,
  };
}

// The reset gate acts after the product with U; bn is gates.n.bn.
export function gruStep(x, h, gates) {
  const input = (k) => dot(x, gates[k].W) + gates[k].b;
  const [zr, zz] = ["r", "z"].map((k) => input(k) + h * gates[k].U);
  const [r, z] = [zr, zz].map(sigmoid);
  const product = h * gates.n.U + gates.n.bn;
  const n = Math.tanh(input("n") + r * product);
  const [kept, written] = [z * h, (1 - z) * n]; // z keeps
  const next = kept + written;
  return {
    x, "h-previous": h, "h-to-gates": [h], "h-to-product": h, inputs: [h, ...x],
    "to-reset": zr, "to-update": zz, "to-new": input("n"),
    product, r, "reset-product": r * product, z, "z-branch": z, n,
    "one-minus-z": 1 - z, kept, written, h: next, "h-up": next, "h-next": next,
  };
}

// All steps of a setting, each as above.
export function run(cell, setting) {
  let { h, c } = setting;
  return setting.x.map((x) => {
    const values =
      cell === "gru"
        ? gruStep(x, h, setting.gates)
        : lstmStep(x, h, c, setting.gates, setting.linear);
    ({ h, c } = values);
    return values;
  });
}
