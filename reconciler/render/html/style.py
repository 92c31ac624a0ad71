"""How the page looks, in light and in dark. Pure."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --line: #dfe3e8; --text: #1c2430; --soft: #566170; --accent: #2f5fd0;
  --code: #f1f3f6; --create: #16783c; --update: #8a5808; --replace: #8a3fb5; --delete: #c0302a; --adopt: #0f7382;
  --unchanged: #626d7c; --failed: #c0302a; --old: #fdeceb; --new: #e8f6ed; --edge: #aab4c2;
  --shadow: 0 1px 2px rgb(20 30 50 / 6%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10141a; --card: #181e26; --line: #2c3541; --text: #e3e8ef; --soft: #98a4b3; --accent: #86abff;
    --code: #202833; --create: #56d088; --update: #e6b04b; --replace: #cf94f0; --delete: #ff8a80; --adopt: #58c6d6;
    --unchanged: #8592a3; --failed: #ff8a80; --old: #37201f; --new: #173024; --edge: #4d5a6b; --shadow: none;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 5.5rem; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main, header > div, .tools > div { max-width: 1080px; margin: 0 auto; padding: 0 20px; }
header { padding: 30px 0 14px; }
h1 { margin: 0 0 4px; font-size: 25px; line-height: 1.25; letter-spacing: -0.01em; }
h2 { margin: 34px 0 10px; font-size: 17px; }
.headline { margin: 0 0 16px; color: var(--soft); }
.meta { display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 14px 0 0; color: var(--soft); font-size: 13px; }
.meta b { color: var(--text); font-weight: 600; }
.tiles { display: flex; flex-wrap: wrap; gap: 10px; margin: 0; padding: 0; list-style: none; }
.tiles li { min-width: 104px; padding: 9px 14px; border: 1px solid var(--line); border-radius: 10px;
  background: var(--card); box-shadow: var(--shadow); }
.tiles b { display: block; font-size: 23px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tiles span { color: var(--soft); font-size: 13px; }
code, pre, .mono { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
.is-create { --tone: var(--create); } .is-update { --tone: var(--update); } .is-replace { --tone: var(--replace); }
.is-delete { --tone: var(--delete); } .is-adopt { --tone: var(--adopt); } .is-unchanged { --tone: var(--unchanged); }
.is-applied { --tone: var(--create); } .is-failed, .is-conflict, .is-doubt, .is-error { --tone: var(--failed); }
.is-skipped, .is-warning { --tone: var(--update); } .is-note, .is-mixed { --tone: var(--unchanged); }
.tiles b, .sign, .word { color: var(--tone, var(--text)); }
.tools { position: sticky; top: 0; z-index: 2; padding: 10px 0; border-bottom: 1px solid var(--line);
  background: color-mix(in srgb, var(--page) 94%, transparent); }
.tools > div { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; }
[hidden] { display: none !important; }
input, select, button { height: 34px; padding: 0 11px; border: 1px solid var(--line); border-radius: 8px;
  background: var(--card); color: inherit; font: inherit; font-size: 14px; }
input { flex: 1 1 220px; min-width: 0; }
button { cursor: pointer; }
button.chip { border-radius: 17px; color: var(--soft); }
button.chip[aria-pressed="true"] { border-color: var(--tone); color: var(--tone); font-weight: 600; }
button:hover, select:hover { border-color: var(--soft); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.shown { margin-left: auto; color: var(--soft); font-size: 13px; font-variant-numeric: tabular-nums; }
.change { margin: 8px 0; border: 1px solid var(--line); border-left: 4px solid var(--tone); border-radius: 8px;
  background: var(--card); box-shadow: var(--shadow); }
.change > summary { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 10px; padding: 9px 14px;
  cursor: pointer; list-style: none; border-radius: 8px; }
.change > summary::-webkit-details-marker { display: none; }
.change > summary::before { content: "▸"; color: var(--soft); transition: transform 0.12s; }
.change[open] > summary::before { transform: rotate(90deg); }
.change:target { border-color: var(--accent); }
.sign { width: 1ch; font-weight: 700; }
.address { overflow-wrap: anywhere; } .address b { font-weight: 650; } .address span { color: var(--soft); }
.word { font-size: 13px; font-weight: 600; } .count { color: var(--soft); font-size: 13px; }
.place { margin-left: auto; color: var(--soft); font-size: 12.5px; overflow-wrap: anywhere; }
.inside { padding: 2px 16px 14px 35px; }
.inside p { margin: 6px 0; color: var(--soft); font-size: 14px; }
.scroll { overflow-x: auto; }
table { width: 100%; margin: 6px 0 10px; border-collapse: collapse; font-size: 13.5px; }
th { padding: 4px 10px 4px 0; color: var(--soft); font-weight: 500; text-align: left; white-space: nowrap; }
td { padding: 5px 10px 5px 0; border-top: 1px solid var(--line); vertical-align: top; }
td code { overflow-wrap: anywhere; } td.path code { white-space: nowrap; }
td.old, td.new { width: 36%; }
.old code, .new code { padding: 1px 5px; border-radius: 4px; box-decoration-break: clone;
  -webkit-box-decoration-break: clone; }
.old code { background: var(--old); } .new code { background: var(--new); }
.quiet { color: var(--soft); font-style: italic; }
.cause { padding: 0 7px; border: 1px solid var(--line); border-radius: 9px; color: var(--soft); font-size: 12px; }
td details > summary { cursor: pointer; overflow-wrap: anywhere; }
pre { margin: 6px 0; padding: 9px 12px; overflow-x: auto; border-radius: 7px; background: var(--code);
  white-space: pre; }
.wrap { white-space: pre-wrap; overflow-wrap: anywhere; }
.request b { color: var(--accent); font-weight: 600; }
.finding { margin: 8px 0; padding: 9px 14px; border: 1px solid var(--line); border-left: 4px solid var(--tone);
  border-radius: 8px; background: var(--card); }
.finding p { margin: 2px 0; } .finding .word { margin-right: 6px; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
.empty { padding: 26px; border: 1px dashed var(--line); border-radius: 10px; color: var(--soft); text-align: center; }
.canvas { max-height: 72vh; padding: 6px; overflow: auto; border: 1px solid var(--line); border-radius: 10px;
  background: var(--card); }
.picture { display: block; }
.picture text { fill: var(--text); font-size: 12.5px; } .picture .kind { fill: var(--soft); font-size: 10.5px; }
.box { fill: var(--card); stroke: var(--line); } .bar { fill: var(--tone); }
.edge { fill: none; stroke: var(--edge); stroke-width: 1.5; }
.picture.lit .edge { opacity: 0.35; } .picture.lit .node { opacity: 0.45; }
.picture.lit .edge.on { opacity: 1; stroke: var(--accent); stroke-width: 2; } .picture.lit .node.on { opacity: 1; }
a:hover .box, a:focus-visible .box { stroke: var(--accent); }
footer { margin: 40px 0 26px; color: var(--soft); font-size: 13px; }
kbd { padding: 0 5px; border: 1px solid var(--line); border-radius: 4px; background: var(--code); font-size: 12px; }
@media (max-width: 640px) { .place { margin-left: 0; width: 100%; } .inside { padding-left: 16px; } }
@media print { .tools, .canvas { display: none; } .change { break-inside: avoid; } }
"""
