/** The page's style. Holds none of the characters that HTML escapes, so that its hash in the policy is that of the text on the page. */
export const STYLE = `
:root{color-scheme:light dark;
--bg:#f4f6f8;--card:#ffffff;--ink:#16181d;--muted:#565c66;--line:#dfe3e8;--ok:#2f6f28;--warn:#8a5a00;--bad:#b3140a;--idle:#6a6e73;--info:#0b5cad;
--okbg:#e6f3e4;--warnbg:#fcf1da;--badbg:#fdeae8;--idlebg:#eceff2;--infobg:#e3eefa;
--shadow:0 1px 2px rgba(16,24,40,.05),0 4px 16px rgba(16,24,40,.05);--radius:14px}
@media (prefers-color-scheme:dark){:root{
--bg:#0e1013;--card:#16191e;--ink:#eceef1;--muted:#a8aeb6;--line:#2b3038;--ok:#7cc674;--warn:#f4c145;--bad:#ff8a80;--idle:#a3a8ad;--info:#73b5ff;
--okbg:#16291a;--warnbg:#2d2513;--badbg:#341a19;--idlebg:#1f2329;--infobg:#12263c;--shadow:none}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',sans-serif;overflow-wrap:anywhere}
h1,h2,h3,h4,p,ul,ol,dl,dd,figure,table{margin:0;padding:0}
h1,h2,h3,h4{line-height:1.25;letter-spacing:-.01em}
h2{font-size:22px}h3{font-size:16px;margin:32px 0 8px}h4{font-size:14px}
ul,ol{list-style:none}
a{color:var(--info)}
a:focus-visible,summary:focus-visible,section:focus-visible{outline:2px solid var(--info);outline-offset:2px;border-radius:4px}
code{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
b,strong{font-weight:600}
.muted{color:var(--muted)}.small{font-size:13px}.block{display:block}.nowrap{white-space:nowrap}
.num{font-variant-numeric:tabular-nums;white-space:nowrap}
svg{display:block;max-width:100%}
svg text{font-family:inherit}
.skip{position:absolute;left:-999px;top:0;background:var(--card);padding:8px 16px;z-index:2}
.skip:focus{left:16px}
.top,main,footer{max-width:1160px;margin:0 auto;padding:0 24px}
.top{display:flex;align-items:center;justify-content:space-between;gap:8px 32px;flex-wrap:wrap;padding-top:20px;padding-bottom:20px}
.brand{display:flex;align-items:center;gap:10px;font-weight:650;font-size:16px}
.brand .muted{font-weight:400;font-size:13px}
nav ul{display:flex;flex-wrap:wrap;gap:4px}
nav a{display:block;padding:5px 12px;border-radius:99px;color:var(--muted);text-decoration:none;font-size:14px}
nav a:hover{background:var(--idlebg);color:var(--ink)}
main{display:grid;gap:24px;grid-template-columns:minmax(0,1fr)}
.card,.hero{background:var(--card);border:1px solid var(--line);border-radius:var(--radius);box-shadow:var(--shadow);padding:32px}
.hero{border-top:4px solid var(--idle)}
.hero-ok{border-top-color:var(--ok)}.hero-bad{border-top-color:var(--bad)}.hero-warn{border-top-color:var(--warn)}
.verdict{display:flex;gap:20px;align-items:center}
.verdict svg{flex:none}
h1{font-size:30px;font-weight:700}
.hero-ok .word{color:var(--ok)}.hero-bad .word{color:var(--bad)}.hero-warn .word{color:var(--warn)}
.scenario{font-weight:500}
.headline{font-size:17px;margin-top:4px}
.hero .cause{margin-top:24px}
.hero .causes+p{margin-top:8px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(148px,1fr));gap:1px;margin-top:28px;background:var(--line);border:1px solid var(--line);border-radius:10px;overflow:hidden}
.tile{background:var(--card);padding:14px 18px}
.tile dt{font-size:13px;color:var(--muted)}
.tile .value{display:block;font-size:22px;font-weight:650;letter-spacing:-.01em;font-variant-numeric:tabular-nums}
.tile dd .muted{font-size:13px}
.facts{display:flex;flex-wrap:wrap;gap:4px 24px;margin-top:16px;font-size:13px}
.chip svg{flex:none}
.lost{margin-top:12px;color:var(--warn)}
.chip{display:inline-flex;align-items:center;gap:6px;padding:3px 10px 3px 6px;border-radius:99px;font-size:12px;font-weight:700;letter-spacing:.03em;white-space:nowrap}
.chip-ok{background:var(--okbg);color:var(--ok)}.chip-bad{background:var(--badbg);color:var(--bad)}.chip-warn{background:var(--warnbg);color:var(--warn)}.chip-idle{background:var(--idlebg);color:var(--muted)}
.tag{display:inline-block;padding:0 8px;border-radius:6px;font-size:12px;font-weight:600;line-height:20px;background:var(--idlebg);color:var(--muted)}
.tag-ok{background:var(--okbg);color:var(--ok)}.tag-warn{background:var(--warnbg);color:var(--warn)}.tag-bad{background:var(--badbg);color:var(--bad)}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;vertical-align:top;padding:12px 16px 12px 0;border-bottom:1px solid var(--line);font-weight:400}
thead th{white-space:nowrap;font-size:12px;font-weight:600;color:var(--muted);padding-top:0;padding-bottom:8px}
tbody th{font-weight:600;min-width:96px}tbody th .muted{font-weight:400}
tbody tr:last-child th,tbody tr:last-child td{border-bottom:0}
th:last-child,td:last-child{padding-right:0}
.card h2+table{margin-top:20px}
.stack+.small{margin-top:16px}
.seen{display:block}
.share{font-size:16px;font-variant-numeric:tabular-nums}
.range{margin-top:6px}
.account{color:var(--muted)}
.checks td:nth-child(2){min-width:190px}.checks td:nth-child(3){min-width:110px}.checks td:nth-child(4){min-width:130px}.checks .why{display:block;max-width:400px}.checks .why .block{margin-top:4px}
.ledger th,.ledger td{padding-top:6px;padding-bottom:6px}.ledger td:first-child{white-space:nowrap}.ledger .residual{color:var(--bad);font-weight:700}
.stage header{display:flex;justify-content:space-between;align-items:flex-start;gap:16px}
.eyebrow{font-size:12px;font-weight:600;color:var(--muted)}
.promise{color:var(--muted)}
.reason{margin-top:16px;font-weight:600}
.causes{display:grid;gap:12px;margin-top:16px}
.cause{background:var(--badbg);border-radius:10px;padding:16px 20px}
.cause h2,.cause h3{font-size:14px;color:var(--bad)}
.cause p{margin-top:6px}
.code-name{font-weight:700}
.cause dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:4px 16px;margin-top:10px}
.cause dt{color:var(--muted)}
.cause .fix{font-weight:600}
.found{color:var(--bad);font-weight:700}.expected{color:var(--ok);font-weight:700}
.findings li{padding:8px 0;border-bottom:1px solid var(--line)}
.findings li:last-child{border-bottom:0}
.findings .warning strong{color:var(--warn)}.findings .info strong{color:var(--info)}
.course{display:grid;grid-template-columns:repeat(auto-fit,minmax(210px,1fr));gap:16px 32px;margin-top:20px;padding:16px 20px;background:var(--idlebg);border-radius:10px;font-size:14px}
.step{display:block;font-size:12px;font-weight:600;color:var(--muted)}
.course .tag{background:var(--card)}
.changes li{margin:2px 0}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(300px,100%),1fr));gap:16px}
@media (min-width:761px){.pairs{grid-template-columns:repeat(2,minmax(0,1fr))}.pairs .chart{margin:0 auto}}
.figure{border:1px solid var(--line);border-radius:10px;padding:16px 18px;min-width:0}
.wide{grid-column:1/-1}
.figure figcaption{margin-bottom:12px}.figure h3,.cause h3{margin:0;font-size:14px}.card h2+.figures{margin-top:20px}
.figure figcaption p{font-size:13px}
.chart{width:100%;max-width:470px;height:auto}
.more{grid-column:1/-1;margin-top:0}.more .figures{margin-top:12px}
.standing{display:none}
.lying svg,.standing svg{margin:0 auto;height:auto}
details{margin-top:10px}details:where(.figure details){font-size:13px}
summary{cursor:pointer;color:var(--info);width:max-content;max-width:100%}
.scroll{overflow-x:auto;margin-top:8px}
.scroll table{font-size:13px}
.scroll th,.scroll td{padding:5px 16px 5px 0;white-space:nowrap}
footer{padding-top:24px;padding-bottom:48px;color:var(--muted);font-size:13px}
footer p{margin-top:4px}
footer code{color:var(--ink)}
.f-ok{fill:var(--ok)}.f-warn{fill:var(--warn)}.f-bad{fill:var(--bad)}.f-idle{fill:var(--idle)}.f-info{fill:var(--info)}.f-ink{fill:var(--ink)}.f-muted{fill:var(--muted)}.f-line{fill:var(--line)}.f-card{fill:var(--card)}.f-okbg{fill:var(--okbg)}.f-idlebg{fill:var(--idlebg)}
.s-ok{stroke:var(--ok)}.s-warn{stroke:var(--warn)}.s-bad{stroke:var(--bad)}.s-idle{stroke:var(--idle)}.s-info{stroke:var(--info)}.s-ink{stroke:var(--ink)}.s-muted{stroke:var(--muted)}.s-line{stroke:var(--line)}.s-card{stroke:var(--card)}
@media (max-width:760px){
.top,main,footer{padding-left:12px;padding-right:12px}
.card,.hero{padding:20px 16px}
h1{font-size:24px}h2{font-size:20px}
.scenario{display:block}
.verdict{align-items:flex-start;gap:14px}
.verdict svg{width:40px;height:40px}
.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}
.tile{padding:12px 14px}
.cause dl{grid-template-columns:minmax(0,1fr);gap:0}
.cause dd{margin-bottom:8px}
.stack,.stack tbody,.stack tr,.stack td,.stack tbody th{display:block}
.stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.stack tr{padding:12px 0;border-bottom:1px solid var(--line)}
.stack tr:last-child{border-bottom:0}
.stack td,.stack tbody th{display:grid;grid-template-columns:112px minmax(0,1fr);gap:12px;padding:3px 0;border:0}
.stack .chip{justify-self:start}
.stack td::before,.stack tbody th::before{content:attr(data-label);color:var(--muted);font-size:13px;font-weight:400}
.lying{display:none}.standing{display:block}
.figure{padding:14px 12px}
}
@media print{
:root{--bg:#ffffff;--shadow:none}
body{font-size:11pt}
nav,.skip{display:none}
.card,.hero{break-inside:auto;border-color:#cccccc;padding:16px}
.figure,.cause,tr{break-inside:avoid}
details::details-content{content-visibility:visible;height:auto}
}
@media (forced-colors:active){.chip,.tag,.cause,.tile{border:1px solid CanvasText}}
`;
