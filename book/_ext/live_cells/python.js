// Python for the page: fetches its files, checks them, runs cells in a worker.
//
// What was fetched stays in the page, so that Python can be started again
// without a network, after Stop for example.

// Something that went wrong, in words for the reader. stopped: whether it was the
// reader who ended it, while Python was "loading" or "running"; empty if not.
export class Trouble extends Error {
  constructor(message, stopped = "") {
    super(message);
    this.stopped = stopped;
  }
}

const HERE = new URL("./", import.meta.url);
const TYPES = { mjs: "text/javascript", wasm: "application/wasm" };

export class Python {
  constructor() {
    this.settings = null; // python.json, which the book's build wrote
    this.fetched = new Map(); // name -> Blob, checked
    this.worker = null;
    this.ready = false; // whether the worker has started Python
    this.aborter = null;
    this.job = null; // what the worker was asked: {resolve, reject, onOutput, onProgress}
  }

  // Run one cell; exercise: what to check then, if anything. onOutput gets every
  // output; onProgress a text and, while files come, {done, all} in bytes.
  // Resolves to {passed, score, trouble}; throws Trouble, and then Python has ended.
  async run({ source, cell, exercise }, { onOutput, onProgress }) {
    try {
      if (!this.ready) await this.start(onProgress);
      onProgress("Running");
      return await this.ask({ type: "run", source, cell, exercise }, { onOutput, onProgress });
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  // End everything at once. What cells have computed is lost.
  stop() {
    this.aborter?.abort();
    this.worker?.terminate();
    this.job?.reject(new Trouble("Stopped.", this.ready ? "running" : "loading"));
    this.worker = this.aborter = this.job = null;
    this.ready = false;
  }

  // ---- the worker -----------------------------------------------------------

  async start(onProgress) {
    const [core, wheels] = await this.fetchParts(["core", "numpy"], onProgress);
    const source = await this.fetched.get("kernel.py").text();
    if (!this.aborter) throw new Trouble("Stopped.", "loading");
    onProgress("Starting Python");
    // From its text, not its address: it starts again without a network.
    const worker = new Worker(URL.createObjectURL(core["worker.mjs"]), { type: "module" });
    worker.onmessage = ({ data }) => worker === this.worker && this.hear(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.fail(event.message ?? "its worker could not be started");
    };
    this.worker = worker;
    const { info } = this.settings;
    await this.ask({ type: "start", core, wheels, source, info }, { onProgress });
    this.ready = true;
  }

  ask(message, job) {
    return new Promise((resolve, reject) => {
      this.job = { ...job, resolve, reject };
      this.worker.postMessage(message);
    });
  }

  hear({ type, ...message }) {
    if (type === "output") this.job.onOutput(message.output);
    if (type === "need") this.supply(message.part);
    if (type === "ready" || type === "done") this.job.resolve(message);
    if (type === "failed") this.fail(message.reason);
  }

  fail(reason) {
    const lost = this.ready ? " All that the cells had computed is lost." : "";
    this.job?.reject(new Trouble(`Python ended: ${reason.trim().replace(/\.?$/, ".")}${lost}`));
  }

  // The worker waits for a part that a cell is about to import. Without it, that
  // cell does not run; what the others have computed stays.
  async supply(part) {
    const { worker, job } = this;
    try {
      const [wheels] = await this.fetchParts([part], job.onProgress);
      job.onProgress("Running");
      worker.postMessage({ type: "part", wheels });
    } catch ({ message }) {
      worker.postMessage({ type: "part", trouble: message });
    }
  }

  // ---- files ----------------------------------------------------------------

  // For each part an object name -> Blob. Only what is not here yet is fetched.
  async fetchParts(parts, onProgress) {
    const { signal } = (this.aborter = new AbortController());
    const what = parts.includes("core") ? "Loading Python" : "Loading Matplotlib";
    onProgress(what, { done: 0, all: 1 });
    try {
      this.settings ??= await this.fetchSettings(signal);
      const wanted = this.settings.files.filter(({ part }) => parts.includes(part));
      const missing = wanted.filter(({ name }) => !this.fetched.has(name));
      const all = missing.reduce((sum, { size }) => sum + size, 0);
      const counts = new Map();
      const onBytes = (name, count) => {
        counts.set(name, count);
        const done = [...counts.values()].reduce((sum, n) => sum + n, 0);
        onProgress(what, { done, all });
      };
      await Promise.all(missing.map((file) => this.fetchFile(file, onBytes, signal)));
      return parts.map((part) => {
        const names = wanted.filter((file) => file.part === part).map(({ name }) => name);
        return Object.fromEntries(names.map((name) => [name, this.fetched.get(name)]));
      });
    } catch (error) {
      this.aborter?.abort(); // the other files
      throw error instanceof Trouble ? error : new Trouble("Stopped.", "loading");
    }
  }

  async fetchSettings(signal) {
    const response = await ask(new URL("python.json", HERE), { cache: "no-cache", signal });
    return response.json();
  }

  // A file never changes under its sum, so any copy will do that has the sum;
  // one that has not may be an old copy, and is asked for once more.
  async fetchFile({ name, url, sha256 }, onBytes, signal) {
    const address = new URL(url, HERE);
    for (const cache of ["force-cache", "reload"]) {
      const response = await ask(address, { cache, signal, ...unchecked(sha256) });
      const blob = await read(response, name, onBytes);
      if (await hasSum(blob, sha256)) {
        this.fetched.set(name, blob);
        return;
      }
    }
    throw new Trouble(
      `${name} from ${address.host} is not the file it should be (its checksum is wrong), so it was not used.`,
    );
  }
}

async function ask(address, options) {
  let response;
  try {
    response = await fetch(address, options);
  } catch (error) {
    if (options.signal.aborted) throw error;
    const wrong = options.integrity ? ", or what it sent is not the file it should be" : "";
    throw new Trouble(
      `${address.host} could not be reached${wrong}. You may be offline, or your network may block it.`,
    );
  }
  if (!response.ok) {
    const name = address.pathname.split("/").pop();
    throw new Trouble(`${address.host} has no ${name} for us (it answered ${response.status}).`);
  }
  return response;
}

async function read(response, name, onBytes) {
  const chunks = [];
  let count = 0;
  const reader = response.body.getReader();
  for (;;) {
    let part;
    try {
      part = await reader.read();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Trouble(`The connection ended while ${name} was being loaded.`);
    }
    if (part.done) break;
    chunks.push(part.value);
    onBytes(name, (count += part.value.length));
  }
  return new Blob(chunks, { type: TYPES[name.split(".").pop()] ?? "" });
}

// On an address without https a page has no way to compute a sum; there the
// browser itself compares it, and says no more than that the request failed.
const unchecked = (sha256) => (crypto.subtle ? {} : { integrity: `sha256-${base64(sha256)}` });

async function hasSum(blob, sha256) {
  if (!crypto.subtle) return true;
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
  return Array.from(sum, (byte) => byte.toString(16).padStart(2, "0")).join("") === sha256;
}

const base64 = (hex) =>
  btoa(hex.replace(/../g, (pair) => String.fromCharCode(Number.parseInt(pair, 16))));
