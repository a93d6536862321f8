import { createHash } from 'node:crypto';

/**
 * The console's one style sheet. Colours carry states and never stand alone: every state has a word and a mark beside it.
 * Light, dark, narrow and paper are the same sheet.
 */
export const STYLES = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --card: #ffffff; --ink: #16202c; --soft: #55606e; --faint: #8b95a1; --line: #dedbd3; --hover: #f3f1ea;
  --brand: #12413a; --brand-ink: #ffffff; --focus: #0a6cff;
  --dead: #14633b; --dead-bg: #e3f3e8; --live: #a3150e; --live-bg: #fde7e4; --wait: #7a4b00; --wait-bg: #fdf0d3;
  --doubt: #5a3a94; --doubt-bg: #efe8fb; --calm: #44505d; --calm-bg: #ecedee; --info: #0b4f8a; --info-bg: #e2eefa;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, monospace;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #10161c; --card: #182028; --ink: #e8edf2; --soft: #a9b4c0; --faint: #7a8794; --line: #2b3641; --hover: #1f2932;
    --brand: #8fd4c4; --brand-ink: #0b1f1b; --focus: #6ab0ff;
    --dead: #8fdcae; --dead-bg: #12331f; --live: #ff9d94; --live-bg: #451a17; --wait: #f5cc80; --wait-bg: #3d2d0d;
    --doubt: #c9b2f5; --doubt-bg: #2f2247; --calm: #b8c2cc; --calm-bg: #29323b; --info: #9accf7; --info-bg: #14304a;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 var(--sans); }
a { color: inherit; text-decoration-color: var(--faint); text-underline-offset: 3px; }
a:hover { text-decoration-color: currentColor; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: -9999px; }
.skip:focus { left: 12px; top: 12px; background: var(--card); padding: 8px 14px; z-index: 10; }
.top { display: flex; align-items: center; gap: 24px; padding: 10px 28px; border-bottom: 1px solid var(--line); background: var(--card); flex-wrap: wrap; }
.top .mark { font-weight: 700; letter-spacing: -.01em; text-decoration: none; display: flex; align-items: center; gap: 8px; font-size: 16px; }
.top .mark svg { width: 22px; height: 22px; color: var(--brand); }
.top nav { display: flex; gap: 4px; flex-wrap: wrap; flex: 1; }
.top nav a { padding: 6px 12px; border-radius: 6px; text-decoration: none; color: var(--soft); }
.top nav a:hover { background: var(--hover); }
.top nav a[aria-current] { color: var(--ink); background: var(--hover); font-weight: 600; }
.top .who { color: var(--soft); font-size: 13px; display: flex; gap: 12px; align-items: center; }
main { max-width: 1360px; margin: 0 auto; padding: 24px 28px 80px; overflow-wrap: break-word; }
.crumbs { font-size: 13px; color: var(--soft); margin-bottom: 6px; }
h1 { font-size: 26px; line-height: 1.2; letter-spacing: -.015em; margin: 0 0 4px; font-weight: 680; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 0 0 12px; letter-spacing: -.005em; }
h3 { font-size: 14px; margin: 16px 0 6px; }
.lead { color: var(--soft); margin: 0 0 20px; max-width: 78ch; overflow-wrap: anywhere; }
.head { display: flex; gap: 16px; align-items: flex-start; justify-content: space-between; flex-wrap: wrap; margin-bottom: 18px; }
.ref { font-family: var(--mono); font-size: 13px; color: var(--soft); }
.grid { display: grid; gap: 18px; align-items: start; grid-template-columns: repeat(12, minmax(0, 1fr)); }
.w3 { grid-column: span 3; } .w4 { grid-column: span 4; } .w5 { grid-column: span 5; } .w6 { grid-column: span 6; } .w7 { grid-column: span 7; } .w8 { grid-column: span 8; } .w12 { grid-column: span 12; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px; min-width: 0; }
.card > h2:first-child { display: flex; justify-content: space-between; gap: 12px; align-items: baseline; }
.card h2 .aside { font-weight: 400; font-size: 13px; color: var(--soft); }
.stat { display: flex; flex-direction: column; gap: 2px; }
.stat b { font-size: 30px; line-height: 1.1; font-weight: 680; letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
.stat span { color: var(--soft); font-size: 13px; }
.stat.live b { color: var(--live); } .stat.dead b { color: var(--dead); } .stat.doubt b { color: var(--doubt); } .stat.wait b { color: var(--wait); }
.chip { display: inline-flex; align-items: center; gap: 5px; padding: 1px 9px 1px 7px; border-radius: 99px; font-size: 12.5px; line-height: 20px; font-weight: 560; white-space: nowrap; border: 1px solid transparent; background: var(--calm-bg); color: var(--calm); }
.chip svg { width: 12px; height: 12px; flex: none; }
.chip.dead { background: var(--dead-bg); color: var(--dead); } .chip.live { background: var(--live-bg); color: var(--live); }
.chip.wait { background: var(--wait-bg); color: var(--wait); } .chip.doubt { background: var(--doubt-bg); color: var(--doubt); } .chip.info { background: var(--info-bg); color: var(--info); }
table { width: 100%; border-collapse: collapse; font-size: 14px; }
th { text-align: left; font-weight: 560; color: var(--soft); font-size: 12.5px; padding: 6px 10px; border-bottom: 1px solid var(--line); white-space: nowrap; }
td { padding: 8px 10px; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
tr:last-child td, tbody tr:last-child th { border-bottom: 0; }
tbody tr:hover td { background: var(--hover); }
td.num, th.num { text-align: right; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; margin: 0 -6px; padding: 0 6px; } .reach { min-width: 16ch; }
.mono { font-family: var(--mono); font-size: 12.5px; overflow-wrap: anywhere; }
.soft { color: var(--soft); } .small { font-size: 13px; } .nowrap { white-space: nowrap; }
.rows { display: flex; flex-direction: column; gap: 10px; }
.line { display: flex; gap: 10px; align-items: center; flex-wrap: wrap; }
.spread { justify-content: space-between; }
dl.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 6px 18px; margin: 0; }
dl.facts dt { color: var(--soft); } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
.bar { display: block; width: 100%; height: 12px; border-radius: 6px; overflow: hidden; background: var(--calm-bg); }
.bar .p-dead { fill: var(--dead); } .bar .p-live { fill: var(--live); } .bar .p-wait { fill: var(--wait); } .bar .p-doubt { fill: var(--doubt); } .bar .p-calm { fill: var(--faint); } .bar .p-info { fill: var(--info); }
.legend { display: flex; gap: 14px; flex-wrap: wrap; font-size: 12.5px; color: var(--soft); margin-top: 6px; }
.board td { padding: 6px 8px; } .board th.rot { vertical-align: bottom; max-width: 120px; white-space: normal; }
.board td.cell { text-align: center; }
.copies { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 8px; } .copies > li { flex: 1 1 190px; max-width: 290px; padding: 6px 10px; border: 1px solid var(--line); border-left-width: 4px; border-radius: 8px; overflow-wrap: anywhere; }
.copies > li.dead { border-left-color: var(--dead); } .copies > li.live { border-left-color: var(--live); } .copies > li.wait { border-left-color: var(--wait); } .copies > li.doubt { border-left-color: var(--doubt); }
.steps { list-style: none; margin: 0; padding: 0; }
.steps li { display: grid; grid-template-columns: 22px 1fr auto; gap: 10px; padding: 8px 0; border-bottom: 1px solid var(--line); align-items: start; }
.steps li:last-child { border-bottom: 0; }
.timeline { list-style: none; margin: 0; padding: 0 0 0 18px; border-left: 2px solid var(--line); }
.timeline li { position: relative; padding: 0 0 14px 6px; }
.timeline li::before { content: ""; position: absolute; left: -24px; top: 6px; width: 10px; height: 10px; border-radius: 50%; background: var(--card); border: 2px solid var(--faint); }
.timeline li.live::before { border-color: var(--live); background: var(--live); } .timeline li.dead::before { border-color: var(--dead); background: var(--dead); } .timeline li.wait::before { border-color: var(--wait); background: var(--wait); } .timeline li.doubt::before { border-color: var(--doubt); background: var(--doubt); }
.timeline time { font-size: 12.5px; color: var(--soft); font-variant-numeric: tabular-nums; display: block; }
.notice { border-left: 4px solid var(--info); background: var(--info-bg); color: var(--ink); padding: 10px 14px; border-radius: 6px; margin: 0 0 16px; }
.notice.live { border-color: var(--live); background: var(--live-bg); } .notice.wait { border-color: var(--wait); background: var(--wait-bg); } .notice.dead { border-color: var(--dead); background: var(--dead-bg); } .notice.doubt { border-color: var(--doubt); background: var(--doubt-bg); }
.empty { color: var(--soft); padding: 26px 0; text-align: center; }
form.inline { display: inline; }
label { display: block; font-weight: 560; margin: 12px 0 4px; }
.hint { color: var(--soft); font-size: 13px; margin: 2px 0 6px; }
.error { color: var(--live); font-size: 13.5px; margin: 4px 0 0; }
input[type=text], input[type=search], input[type=email], input[type=password], input[type=number], input[type=date], input[type=datetime-local], select, textarea { width: 100%; max-width: 520px; padding: 8px 11px; border: 1px solid var(--faint); border-radius: 7px; background: var(--card); color: var(--ink); font: inherit; }
textarea { min-height: 88px; }
input[aria-invalid=true] { border-color: var(--live); border-width: 2px; }
button, .button { display: inline-block; font: inherit; overflow-wrap: normal; font-weight: 600; padding: 7px 15px; border-radius: 7px; border: 1px solid var(--brand); background: var(--brand); color: var(--brand-ink); cursor: pointer; text-decoration: none; }
button:hover, .button:hover { filter: brightness(1.08); }
button.plain, .button.plain { background: transparent; color: var(--ink); border-color: var(--line); }
button.danger { background: var(--live); border-color: var(--live); color: var(--paper); }
button.small, .button.small { padding: 3px 10px; font-size: 13px; }
.search { display: flex; gap: 8px; flex-wrap: wrap; margin-bottom: 14px; } .search input { max-width: 360px; } .search select { width: auto; max-width: 100%; }
.search { align-items: flex-end; } .choice { margin: 0; min-width: 0; max-width: 100%; font-weight: 400; display: flex; flex-direction: column; gap: 3px; } .choice > span { font-size: 12.5px; color: var(--soft); } .choice.grow { flex: 1 1 240px; } .choice.grow input { max-width: none; } .check { margin: 0 0 8px; font-weight: 400; display: flex; gap: 7px; align-items: center; white-space: nowrap; }
.tabs { display: flex; gap: 4px; border-bottom: 1px solid var(--line); margin: 0 0 18px; flex-wrap: wrap; } .tabs a { padding: 8px 14px; text-decoration: none; color: var(--soft); border-bottom: 3px solid transparent; margin-bottom: -1px; } .tabs a[aria-current] { color: var(--ink); font-weight: 600; border-color: var(--brand); } .tabs .count { margin-left: 7px; font-size: 12.5px; color: var(--soft); font-variant-numeric: tabular-nums; }
.card.slim { padding: 14px 20px; } .narrow { max-width: 480px; margin: 6vh auto 0; } .tight { gap: 5px; } .actions { display: flex; gap: 10px; align-items: center; flex-wrap: wrap; margin: 18px 0 0; }
.pager { display: flex; gap: 10px; justify-content: flex-end; margin-top: 14px; }
iframe.mail { width: 100%; height: 520px; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
[data-stale] { opacity: .6; }
.letter { white-space: pre-wrap; overflow-wrap: anywhere; font: 15px/1.6 var(--sans); background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 22px 24px; margin: 0 0 20px; }
.outside main { max-width: 720px; }
details > summary { cursor: pointer; color: var(--soft); } .fold { border-top: 1px solid var(--line); } .fold > summary { padding: 10px 0; color: var(--ink); font-weight: 560; font-size: 14px; } .fold > summary .line { display: inline-flex; max-width: calc(100% - 20px); vertical-align: top; } .fold .fold { margin-left: 12px; } .whole { margin: 10px 0 0; }
.chart text { fill: var(--soft); font: 11px var(--sans); } .chart .axis { stroke: var(--line); } .chart .now { stroke: var(--live); stroke-width: 1.5; }
.chart.wide { width: 100%; min-width: 420px; max-width: 640px; height: auto; display: block; }
.chart .span { fill: var(--faint); } .chart .span.dead { fill: var(--dead); } .chart .span.live { fill: var(--live); } .chart .span.wait { fill: var(--wait); } .chart .span.doubt { fill: var(--doubt); } .chart .span.info { fill: var(--info); } .chart .lane { fill: var(--calm-bg); } .chart .tick { stroke: var(--wait); stroke-width: 1.5; } .chart .tick.late { stroke: var(--live); } .chart .due { stroke: var(--ink); stroke-width: 2; }
.lanes { display: grid; grid-template-columns: minmax(150px, 290px) minmax(0, 1fr); gap: 5px 14px; align-items: center; max-width: 900px; margin: 14px 0 8px; } .lane-name { font-size: 13px; overflow-wrap: anywhere; line-height: 1.3; } .lane-bar { width: 100%; height: 22px; display: block; } .lane-ends { grid-column: 2; display: flex; justify-content: space-between; gap: 12px; }
@media screen and (max-width: 560px) { .lanes { grid-template-columns: minmax(0, 1fr); gap: 2px; } .lane-bar { margin-bottom: 8px; } .lane-ends { grid-column: 1; } }
.chart .node.info { stroke: var(--info); stroke-width: 2; } .chart a:hover .node { fill: var(--hover); } .chart a .node-text { text-decoration: underline; }
.matrix th.mid, .matrix td.mid { text-align: center; } .matrix tbody th { font-size: 14px; color: var(--ink); vertical-align: top; padding: 8px 10px; } .matrix tr.gap > * { background: var(--live-bg); }
.pip { display: inline-block; width: 24px; height: 24px; line-height: 24px; border-radius: 6px; text-align: center; font-weight: 700; font-size: 12.5px; margin: 0 2px; } .pip.a { background: var(--brand); color: var(--brand-ink); } .pip.p { border: 1.5px solid var(--brand); line-height: 21px; color: var(--ink); }
.stoppers { margin: 0; padding: 0 0 0 22px; } .stoppers li { padding: 3px 0; } .stoppers li::marker { color: var(--soft); font-weight: 600; }
pre.note { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--hover); padding: 12px 14px; border-radius: 8px; margin: 8px 0 14px; } .import { padding: 8px 0; }
ul.plain { list-style: none; margin: 0 0 16px; padding: 0; } ul.plain li { padding: 6px 0; overflow-wrap: anywhere; border-bottom: 1px solid var(--line); } ul.plain li:last-child { border-bottom: 0; }
.rows.tight { gap: 4px; align-items: flex-start; } .grid > .rows { gap: 18px; }
.clocks { display: flex; gap: 28px; flex-wrap: wrap; } .clocks .stat b { font-size: 26px; } .mono-clock { font-variant-numeric: tabular-nums; white-space: nowrap; }
.counts { display: flex; gap: 16px 34px; align-items: center; flex-wrap: wrap; margin-bottom: 18px; } .counts .grow { flex: 1 1 260px; } .counts .stat b { font-size: 26px; }
.asks { list-style: none; margin: 0; padding: 0; } .asks li { display: flex; gap: 8px 20px; justify-content: space-between; align-items: center; padding: 9px 0; border-bottom: 1px solid var(--line); flex-wrap: wrap; } .asks li:last-child { border-bottom: 0; } .asks .what { flex: 1 1 320px; min-width: 0; }
.run h3 { margin-top: 10px; } .node-line { display: grid; grid-template-columns: minmax(120px, 200px) 1fr; gap: 4px 16px; padding: 7px 0; border-bottom: 1px solid var(--line); align-items: start; font-size: 14px; } .node-line:last-child { border-bottom: 0; } .node-line .legend { margin-top: 4px; gap: 6px; }
.bar-cell { width: 250px; max-width: 100%; } .block { display: block; } .board th[scope=row] { font-size: 14px; color: var(--ink); vertical-align: top; padding: 8px 10px; white-space: normal; }
.chart .edge { stroke: var(--faint); fill: none; stroke-width: 1.5; } .chart .node { fill: var(--card); stroke: var(--line); } .chart .node-text { fill: var(--ink); font-size: 12px; }
fieldset { border: 1px solid var(--line); border-radius: 8px; padding: 8px 14px 10px; margin: 12px 0; max-width: 520px; } legend { font-weight: 560; padding: 0 6px; } fieldset .check, .card .check { white-space: normal; margin: 4px 0; } .card form + form, .card form + details, .card details + details, .card form + h3 { display: block; margin-top: 12px; }
.was { color: var(--soft); text-decoration: line-through; } .matrix tr.changed > * { background: var(--wait-bg); } .card + .card.diff { margin-top: 18px; } ol.how { padding-left: 20px; }
.duty-board td.none { background: var(--live-bg); color: var(--live); } .duty-board th.rot { white-space: normal; font-size: 12px; padding: 6px; } .duty-board td { padding: 6px; overflow-wrap: normal; font-size: 13px; } .duty-board th[scope=row] { min-width: 150px; } .outside main .card { margin-bottom: 18px; } h2 a.aside { text-decoration: underline; }
.card + #items { margin-top: 18px; } #items .card form + ul { margin-top: 14px; } .button.small { white-space: nowrap; } .pair .field > input, .trio .field > input, .pair .field > select, .trio .field > select, .step-row .field > input { max-width: none; } .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 0 18px; } .trio { display: grid; grid-template-columns: repeat(3, 1fr); gap: 0 18px; } .pair > *, .trio > * { min-width: 0; } fieldset:has(.pair, .trio, .step-row) { max-width: none; } fieldset { border: 0; border-top: 1px solid var(--line); margin: 22px 0 0; padding: 14px 0 0; min-width: 0; } legend { font-weight: 640; padding: 0 10px 0 0; }
.step-row { display: grid; grid-template-columns: minmax(0, 1fr) 170px 190px; gap: 0 12px; align-items: end; } .step-row .field label { font-size: 12.5px; font-weight: 400; color: var(--soft); }
.chart.wide.lines { max-width: 980px; } .chart .endless { fill: none; stroke: var(--faint); stroke-width: 1.5; stroke-dasharray: 5 4; } .chart .grid { stroke: var(--line); } .chart .mid { stroke: var(--ink); stroke-width: 1.5; } .chart .side { font-weight: 600; }
.line > input[type=text] { max-width: 220px; } .stop-board { list-style: none; margin: 0; padding: 0; display: grid; gap: 10px; } .stop-board > li { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 7fr); gap: 6px 28px; } .stop-board > li.red { border-left: 4px solid var(--live); } .stop-board .whose .line { margin-top: 6px; } .stop-board p { margin: 0; }
.check.pick { display: inline-flex; margin: 0; min-height: 24px; } .check input { flex: none; min-width: 16px; min-height: 16px; } .matrix th .check { font-weight: 560; }
@media (min-width: 901px) { .diff td { width: 36%; } }
.card.after, .counts.after { margin-top: 18px; } .card.pinned { margin-bottom: 14px; } .card.pinned h2 { margin-bottom: 4px; } .card.pinned td { padding: 5px 10px; } .grid .counts { margin-bottom: 0; } .paper-foot { display: none; }
@media screen and (max-width: 900px) {
  .stop-board > li { grid-template-columns: 1fr; }
  .pair, .trio, .step-row { grid-template-columns: 1fr; }
  main { padding: 14px 12px 48px; } .grid, .grid > .rows { gap: 12px; } .card, .card.slim { padding: 12px 14px; } .top { padding: 8px 14px; gap: 10px; }
  .w3 { grid-column: span 6; } .w4, .w5, .w6, .w7, .w8 { grid-column: span 12; }
  h1 { font-size: 22px; } .chip { white-space: normal; }
  .top nav { flex: 1 0 100%; order: 3; flex-wrap: nowrap; overflow-x: auto; margin: 0 -14px; padding: 0 14px; } .top .who { margin-left: auto; }
  table.stack td .line { justify-content: flex-end; } table.stack td .rows { align-items: flex-end; }
  dl.facts { grid-template-columns: minmax(0, max-content) minmax(0, 1fr); gap: 6px 12px; } dl.facts .nowrap { white-space: normal; }
  .hashes dl.facts { grid-template-columns: minmax(0, 1fr); } .hashes dd { margin-bottom: 8px; }
  h2 { margin-bottom: 8px; } .timeline li { padding-bottom: 9px; } .empty { padding: 10px 0; } .asks li { padding: 7px 0; gap: 6px 14px; } .fold > summary { padding: 8px 0; } ul.plain { margin-bottom: 4px; } .copies > li a.block { display: inline; }
  .node-line { grid-template-columns: minmax(40%, 1fr) fit-content(60%); gap: 4px 10px; } .node-line > div { display: contents; } .node-line .bar { grid-column: 1 / -1; order: 1; height: 8px; } .node-line .legend { margin: 0; justify-content: flex-end; }
  .clocks { display: grid; grid-template-columns: repeat(3, minmax(0, max-content)); gap: 14px; } .clocks .stat b { font-size: 19px; } .clocks .stat span { font-size: 12.5px; line-height: 1.3; } .bar-cell { width: 60%; } .counts { gap: 8px 20px; margin-bottom: 12px; } .counts .stat span { font-size: 12px; } .counts .stat b { font-size: 21px; } .head { gap: 10px; margin-bottom: 12px; } .head p { margin: 4px 0; }
  table.stack thead { position: absolute; left: -9999px; }
  table.stack tr { display: block; border: 1px solid var(--line); border-radius: 8px; margin-bottom: 10px; padding: 6px 4px; background: var(--card); }
  table.stack td { display: flex; justify-content: space-between; gap: 14px; border: 0; padding: 4px 10px; text-align: right; }
  table.stack tbody th { display: block; } table.stack td > * { min-width: 0; } .outside dl.facts { grid-template-columns: minmax(0, 1fr); gap: 0; } .outside dl.facts dd { margin-bottom: 8px; }
  table.stack.close tr { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); border-width: 0 0 1px; border-radius: 0; margin: 0; padding: 6px 0; } table.stack.close tr:last-child { border: 0; } table.stack.close td { display: block; padding: 2px 8px 2px 0; text-align: left; } table.stack.close td:empty { display: none; } table.stack.close time { white-space: normal; } table.stack.close td:has(+ td:empty:last-child) { grid-column: 1 / -1; } table.stack.close td:first-child, table.stack.close td:last-child:nth-child(even) { grid-column: 1 / -1; }
  table.stack.close td::before { display: block; } table.stack.close td:first-child::before { content: none; } table.stack.close td .line { justify-content: flex-start; } table.stack.close td .rows { align-items: flex-start; }
  .copy-board tr, .copy-board th[scope=row], .copy-board td { display: block; } .copy-board th[scope=row], .copy-board td { padding-left: 0; padding-right: 0; } .copy-board th[scope=row] { border-bottom: 0; padding-bottom: 0; } .copy-board .bar-cell { width: auto; } .copies { gap: 6px; } .copies > li { max-width: none; }
  table.stack td::before { content: attr(data-label); color: var(--soft); font-size: 12.5px; text-align: left; flex: none; }
}
@media (prefers-reduced-motion: no-preference) { .moving { transition: background-color .4s; } }
@page { margin: 14mm 12mm 16mm; @bottom-right { content: "page " counter(page) " of " counter(pages); font: 9px sans-serif; } }
@page board { size: landscape; }
@media print {
  :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #333; --line: #999; }
  .top, .crumbs, .skip, .search, form, .pager, .button, button, .unprinted, .pick input, .aside:has(a), details:not([open], .fold) { display: none !important; }
  .fold::details-content { content-visibility: visible; display: block; } .fold > summary { list-style: none; }
  .grid { display: block; } .card { border: 0; border-top: 1px solid #999; border-radius: 0; padding: 10px 0; margin: 0 0 8px; } main { max-width: none; padding: 0; } a { text-decoration: none; }
  .scroll { overflow: visible; margin: 0; padding: 0; } thead { display: table-header-group; } tr, li, dd, .notice, .stat, svg { break-inside: avoid; } h1, h2, h3 { break-after: avoid; } .letter { border: 0; padding: 0; }
  main:has(.duty-board) { page: board; } .duty-board { font-size: 9px; } .duty-board td, .duty-board th, .duty-board th.rot { padding: 3px; font-size: 9px; } .duty-board th[scope=row] { min-width: 110px; } .duty-board .ref, .duty-board .chip { font-size: 9px; line-height: 14px; }
  main:has(> .paper-foot) { display: table; width: 100%; } .paper-foot { display: table-footer-group; break-inside: avoid; font: 9px var(--mono); } .paper-foot > div { border-top: 1px solid #999; padding-top: 5px; overflow-wrap: anywhere; }
  .chip { border-color: currentColor; background: transparent; }
}
`;

export const STYLES_HASH = createHash('sha256').update(STYLES).digest('base64url').slice(0, 16);

/** The style sheet's address; it changes with its content, so that no kept copy grows old. */
export const STYLE_SHEET = `/assets/console.css?v=${STYLES_HASH}`;
