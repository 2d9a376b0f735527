// What a reader wrote: kept in this browser, and given out as a notebook.

const storage = () => window.localStorage; // throws where a browser forbids it

// The cells' texts of one page. Nothing here throws: `save` says whether it was kept.
export class Kept {
  constructor(page) {
    const root = new URL(document.documentElement.dataset.content_root ?? "./", location);
    this.prefix = `live-cells ${root.pathname}${page} `;
  }

  // {source, base}: the reader's text, and the book's when it was changed; or null.
  load(id) {
    try {
      const { source, base } = JSON.parse(storage().getItem(this.prefix + id));
      return typeof source === "string" ? { source, base } : null;
    } catch {
      return null;
    }
  }

  save(id, source, base) {
    try {
      storage().setItem(this.prefix + id, JSON.stringify({ source, base }));
      return true;
    } catch {
      return false;
    }
  }

  remove(id) {
    try {
      storage().removeItem(this.prefix + id);
    } catch {
      // then nothing was kept either
    }
  }
}

// A notebook (nbformat 4.5) of cells {id, source, exercise}, as the text of its file.
export function notebook(title, address, cells) {
  const code = (id, source, tags) => ({
    cell_type: "code", id, metadata: { tags }, execution_count: null, outputs: [], source,
  });
  const about = {
    cell_type: "markdown", id: "about-these-cells", metadata: {},
    source:
      `# ${title}\n\nThe live cells of [this page](${address}), with what I changed in them. ` +
      "They need NumPy, Matplotlib and the package `lstm_lib` of the course.",
  };
  const written = cells.flatMap(({ id, source, exercise }) => {
    if (!exercise) return [code(id, source, ["live"])];
    const call = `from lstm_lib.checks import check\n\ncheck(${exercise}, "${exercise}")`;
    return [code(id, source, ["live", `exercise-${exercise}`]), code(`${id}-check`, call, [])];
  });
  const kernelspec = { display_name: "Python 3", language: "python", name: "python3" };
  return `${JSON.stringify(
    { cells: [about, ...written], metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 },
    null, 1,
  )}\n`;
}

// Offer a text as a file.
export function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
