"""How the page looks: one stylesheet for phones and desks, light and dark, screen and paper.

The six colours of parts differ in lightness as well as in hue, so that people who see colours otherwise, and printers
without any, tell neighbours apart. Text has a contrast of at least 4.5, drawings of at least 3 (WCAG 2.2, AA).
"""

from __future__ import annotations

_LIGHT = """--ground:#fff;--panel:#f6f7f9;--ink:#16191f;--soft:#555c68;--rule:#dfe2e8;--empty:#e8eaef;
--c1:#1d5fa6;--c2:#d0660f;--c3:#0f8069;--c4:#94489a;--c5:#8a6b00;--c6:#4d93cc;--rest:#868c97;--bad:#b3261e"""
_DARK = """--ground:#101318;--panel:#181c23;--ink:#eceef2;--soft:#a7aebb;--rule:#2d333d;--empty:#2a2f39;
--c1:#6aa9ec;--c2:#f08c3e;--c3:#3fbf9f;--c4:#cf8fd3;--c5:#d8b640;--c6:#a9d3f5;--rest:#8a919d;--bad:#ff8278"""

CSS = (
    ":root{color-scheme:light dark;"
    + _LIGHT
    + "}\n@media (prefers-color-scheme:dark){:root{"
    + _DARK
    + "}}\n"
    + """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Helvetica Neue",sans-serif;
font-variant-numeric:tabular-nums lining-nums}
main,header,footer{max-width:1080px;margin:0 auto;padding:0 24px}
header{padding-top:48px}
h1,h2,h3,p,dl,dd,figure{margin:0}
h1{font-size:15px;font-weight:600;color:var(--soft);letter-spacing:.01em}
.lead{font-size:clamp(27px,4.6vw,44px);line-height:1.15;font-weight:650;letter-spacing:-.02em;margin:10px 0 12px;
text-wrap:balance}
.under,.note,footer{color:var(--soft);font-size:15px}
.under,.note{max-width:72ch}
.note{margin-top:14px;padding-left:12px;border-left:3px solid var(--c2)}
.name{overflow-wrap:anywhere}
.absent{color:var(--soft)}
dl.tiles{display:grid;grid-template-columns:repeat(6,1fr);gap:1px;margin:36px 0 8px;background:var(--rule);
border:1px solid var(--rule);border-radius:10px;overflow:hidden}
dl.tiles div{background:var(--ground);padding:16px 16px 14px;min-width:0}
dl.tiles dt{font-size:13px;color:var(--soft)}
dl.tiles dd{font-size:25px;line-height:1.25;font-weight:620;letter-spacing:-.015em}
dl.tiles dd small{font-size:14px;font-weight:500;color:var(--soft);letter-spacing:0}
dl.tiles dd.then{font-size:13px;font-weight:400;color:var(--soft);letter-spacing:0;white-space:normal}
section{margin-top:56px}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:0 48px}
.pair>section{min-width:0}
h2{font-size:21px;line-height:1.3;font-weight:640;letter-spacing:-.01em;text-wrap:balance}
h3{font-size:16px;font-weight:620;line-height:1.35}
h2+p.under{margin-top:2px}
figure{margin-top:16px;container-type:inline-size}
svg{display:block;overflow:visible}
svg.plot{box-sizing:content-box;width:calc(100% - 68px);padding:12px 8px 28px 60px}
svg.roomy{padding-left:88px;width:calc(100% - 96px)}
svg.bar,svg.spread{width:100%}
svg.stretched{overflow:visible}
svg text{font-size:12.5px;fill:var(--soft)}
svg text.number{text-anchor:end}
svg text.label{font-weight:600;fill:var(--ink);paint-order:stroke;stroke:var(--ground);stroke-width:4px;
stroke-linejoin:round}
.only{display:none}
@container (max-width:640px){
svg.plot:not(.roomy){width:calc(100% - 54px);padding-left:50px;padding-right:4px}
svg .wide{display:none}svg .only{display:inline}
}
.ruler{stroke:var(--rule)}
.touch{fill:transparent}
g:hover>.touch{fill:var(--ink);fill-opacity:.07}
rect.ground{fill:var(--empty)}line.ground{stroke:var(--empty);stroke-width:2}
.c1{fill:var(--c1)}.c2{fill:var(--c2)}.c3{fill:var(--c3)}.c4{fill:var(--c4)}.c5{fill:var(--c5)}.c6{fill:var(--c6)}
.rest{fill:var(--rest)}.bad{fill:var(--bad)}
.held{fill:var(--c1);fill-opacity:.55}
.thin{stroke:var(--c1);stroke-width:1.5}
.thick{stroke:var(--c1);stroke-width:5}
.mark{stroke:var(--ink);stroke-width:2}
.level{stroke:var(--ink);stroke-width:1.25;stroke-dasharray:2 3}
polyline{fill:none;stroke-linejoin:round;stroke-linecap:round}
polyline.so-far{stroke:var(--c1);stroke-width:3}
polyline.ahead{stroke:var(--c1);stroke-width:2;stroke-dasharray:1 6}
circle.dot{fill:var(--c1);stroke:var(--ground);stroke-width:2}
circle.ahead{fill:var(--ground);stroke:var(--c1)}
ul.keys{display:flex;flex-wrap:wrap;gap:4px 20px;list-style:none;margin:10px 0 6px;padding:0;font-size:14px}
ul.keys li{display:flex;gap:8px;align-items:baseline;min-width:0;max-width:100%}
ul.keys svg{width:11px;flex:none}
ul.keys span{min-width:0}
ul.keys .name{display:block;max-width:300px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
ul.keys b{font-weight:600;white-space:nowrap}
table{border-collapse:collapse;width:100%;font-size:15px}
th,td{text-align:right;padding:9px 0 9px 20px;border-bottom:1px solid var(--rule);vertical-align:top;font-weight:400;
white-space:nowrap}
thead th{color:var(--soft);font-size:13px;vertical-align:bottom;padding-top:0}
th:first-child{text-align:left;padding-left:0;white-space:normal;width:100%}
tbody th svg{margin-top:7px}
td small{color:var(--soft);display:block;white-space:normal}
.list{margin-top:16px}
details{margin-top:10px;font-size:14px}
summary{cursor:pointer;color:var(--soft);width:fit-content;padding:4px 0;border-radius:4px}
summary:hover{color:var(--ink)}
:focus-visible{outline:2px solid var(--c1);outline-offset:2px}
.scroll{overflow-x:auto;max-height:420px;overflow-y:auto;border:1px solid var(--rule);border-radius:8px;margin-top:6px}
.scroll table{font-size:14px}
.scroll th,.scroll td{padding:6px 14px}
.scroll th:first-child{padding-left:14px;white-space:nowrap;width:auto}
.budget{padding:20px 0;border-bottom:1px solid var(--rule);break-inside:avoid}
.budget:first-of-type{padding-top:14px}
.budget .bar{margin:14px 0 10px}
.budget div .bar{margin:18px 0 6px}
.budget p{font-size:15px;color:var(--soft)}
.budget p b{color:var(--ink);font-weight:620}
.state{font-size:13px;font-weight:600;margin-left:8px;white-space:nowrap}
.state.spent{color:var(--bad)}.state.warning{color:var(--c2)}
@media (prefers-color-scheme:light){.state.warning{color:#a34c00}}
.empty{margin-top:16px;padding:22px 24px;background:var(--panel);border-radius:10px;color:var(--soft);max-width:72ch}
.empty b{color:var(--ink);font-weight:620}
code{font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
footer{margin-top:72px;padding-top:16px;padding-bottom:56px;font-size:13px}
@media (max-width:900px){dl.tiles{grid-template-columns:repeat(3,1fr)}.pair{grid-template-columns:1fr}}
@media (max-width:600px){
main,header,footer{padding-left:16px;padding-right:16px}
header{padding-top:28px}
section{margin-top:44px}
dl.tiles{grid-template-columns:1fr 1fr;margin-top:26px}
dl.tiles div{padding:12px 12px 10px}
dl.tiles dd{font-size:21px}
table{font-size:14px}th,td{padding-left:12px}
.spare{display:none}
}
@media print{
:root{color-scheme:light;"""
    + _LIGHT
    + """}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
@page{margin:14mm}
body{font-size:11pt}
main,header,footer{max-width:none;padding:0}
header{padding-top:0}
section{margin-top:30px}
section,figure,tr,dl{break-inside:avoid}
section.long{break-inside:auto}
h2{break-after:avoid}
dl.tiles{grid-template-columns:repeat(6,1fr);margin-top:20px}
dl.tiles dd{font-size:17px}dl.tiles div{padding:10px}
.pair{grid-template-columns:1fr 1fr;gap:0 32px}
details:not([open]){display:none}
.scroll{max-height:none;overflow:visible}
}
"""
)
