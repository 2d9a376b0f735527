// Python in a worker, so that the page stays alive and a loop can be ended.
//
// The page sends the files it has fetched and checked; this worker asks nobody
// for anything. Messages in: start, part, run. Messages out: ready, need, output,
// done, failed.

let files = {}; // name -> Blob
let python; // Pyodide
let kernel; // the functions of kernel.py
let given; // resolves when the page has sent a part that was asked for

// Pyodide asks for its files by address. It gets those of the page, and a cell
// that asks for another address gets an error.
self.fetch = async (address) => {
  const name = new URL(address.url ?? address, "https://page.invalid").pathname.split("/").pop();
  if (!Object.hasOwn(files, name)) throw new TypeError(`${address}: this page's Python asks no other site.`);
  return new Response(files[name]);
};

const module = (name) => import(URL.createObjectURL(files[name]));

async function start({ core, wheels, source, info }) {
  files = core;
  const [{ loadPyodide }, { default: createPyodideModule }] = await Promise.all([
    module("pyodide.mjs"), module("pyodide.asm.mjs"),
  ]);
  const own = "https://page.invalid/";
  python = await loadPyodide({
    indexURL: own,
    packageBaseUrl: own,
    lockFileContents: { info, packages: {} }, // packages come from the page
    createPyodideModule,
    stdout: () => {}, // what Python prints goes through kernel.py
    stderr: () => {},
  });
  await unpack(wheels);
  files = {}; // the memory is wanted for other things
  python.FS.writeFile("/home/pyodide/live_cells_kernel.py", source);
  kernel = python.pyimport("live_cells_kernel");
  kernel.start((output) => postMessage({ type: "output", output: JSON.parse(output) }));
  python.runPython("import numpy");
}

async function unpack(wheels) {
  for (const blob of Object.values(wheels)) {
    python.unpackArchive(await blob.arrayBuffer(), "wheel");
  }
}

// Matplotlib is large, and comes when a cell is about to import it.
let hasMatplotlib = false;
async function supply(source) {
  if (hasMatplotlib || !kernel.needs_matplotlib(source)) return "";
  const part = new Promise((resolve) => (given = resolve));
  postMessage({ type: "need", part: "matplotlib" });
  const { wheels, trouble } = await part;
  if (trouble) return trouble;
  await unpack(wheels);
  python.runPython("import importlib; importlib.invalidate_caches()");
  hasMatplotlib = true;
  return "";
}

async function run({ source, cell, exercise }) {
  const trouble = await supply(source);
  const passed = !trouble && kernel.run(source, cell, exercise);
  const score = passed && exercise ? kernel.check(exercise) : undefined;
  postMessage({ type: "done", passed, score, trouble });
}

self.onmessage = async ({ data: { type, ...message } }) => {
  try {
    if (type === "start") {
      await start(message);
      postMessage({ type: "ready" });
    } else if (type === "part") {
      given(message);
    } else {
      await run(message);
    }
  } catch (error) {
    postMessage({ type: "failed", reason: String(error?.message ?? error) });
  }
};
