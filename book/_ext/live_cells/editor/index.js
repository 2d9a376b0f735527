// The editor of a live cell: what of CodeMirror 6 it needs, and no more.

import {
  defaultKeymap, history, historyKeymap, indentLess, indentMore,
} from "@codemirror/commands";
import { pythonLanguage } from "@codemirror/lang-python";
import {
  bracketMatching, indentOnInput, indentUnit, syntaxHighlighting,
} from "@codemirror/language";
import { EditorState, Prec } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { tagHighlighter, tags as t } from "@lezer/highlight";

// The classes of Pygments, so that code being edited has the book's own colours.
const colours = tagHighlighter([
  { tag: [t.keyword, t.controlKeyword, t.definitionKeyword, t.modifier], class: "k" },
  { tag: [t.moduleKeyword], class: "kn" },
  { tag: [t.operatorKeyword], class: "ow" },
  { tag: [t.bool, t.null, t.self], class: "kc" },
  { tag: [t.comment], class: "c1" },
  { tag: [t.string], class: "s2" },
  { tag: [t.special(t.string)], class: "sa" },
  { tag: [t.escape], class: "se" },
  { tag: [t.number], class: "mi" },
  { tag: [t.operator], class: "o" },
  { tag: [t.punctuation, t.paren, t.brace, t.squareBracket, t.separator], class: "p" },
  { tag: [t.function(t.definition(t.variableName))], class: "nf" },
  { tag: [t.definition(t.className)], class: "nc" },
  { tag: [t.meta], class: "nd" },
]);

// Spaces up to the next multiple of four; selected lines move together.
function tab(view) {
  const { state } = view;
  if (state.readOnly) return false;
  if (!state.selection.main.empty) return indentMore(view);
  const { head } = state.selection.main;
  const column = head - state.doc.lineAt(head).from;
  view.dispatch(state.replaceSelection(" ".repeat(4 - (column % 4))), {
    scrollIntoView: true, userEvent: "input",
  });
  return true;
}

// An editor in `parent`. label: read out; onRun, onLeave, onChange: functions.
export function edit({ parent, source, label, onRun, onLeave, onChange }) {
  const call = (action) => () => {
    action();
    return true;
  };
  const keys = [
    { key: "Shift-Enter", run: call(onRun) },
    { key: "Mod-Enter", run: call(onRun) },
    { key: "Escape", run: call(onLeave) },
    { key: "Tab", run: tab, shift: indentLess },
  ];
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: source,
      extensions: [
        Prec.high(keymap.of(keys)),
        keymap.of([...defaultKeymap, ...historyKeymap]),
        history(),
        pythonLanguage,
        indentUnit.of("    "),
        EditorState.tabSize.of(4),
        indentOnInput(),
        bracketMatching(),
        syntaxHighlighting(colours),
        // Escape gives the focus to the frame around it, and Enter takes it back.
        EditorView.contentAttributes.of({
          "aria-label": label, tabindex: "-1", spellcheck: "false",
          autocapitalize: "off", autocorrect: "off", translate: "no",
        }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onChange(update.state.doc.toString());
        }),
      ],
    }),
  });
  return {
    frame: view.scrollDOM,
    // at: {x, y} in the window, where the cursor goes; without, it is where it was.
    focus(at) {
      if (at) view.dispatch({ selection: { anchor: view.posAtCoords(at, false) } });
      view.focus();
    },
    replace: (text) =>
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
  };
}
