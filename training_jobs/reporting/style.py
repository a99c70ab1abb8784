"""The page's style sheet: light, quiet, and made to be printed."""

STYLE = """
:root{--ink:#1c2430;--soft:#5c6673;--line:#dfe4ea;--ground:#fff;--wash:#f6f8fa;
--s0:#174e85;--s1:#c2571a;--s2:#4a7a35;--s3:#7a5aa6;--s4:#7b838d;
--good:#226b3a;--warn:#8a5a00;--bad:#a32626}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:40px 32px 96px;max-width:1180px;background:var(--ground);
color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI","Noto Sans",Arial,sans-serif}
h1{font-size:27px;line-height:1.25;font-weight:650;margin:4px 0 18px;overflow-wrap:anywhere}
h2{font-size:21px;font-weight:650;margin:0 0 14px}
h3{font-size:16px;font-weight:650;margin:28px 0 8px}
h3 small{font-weight:400;color:var(--soft);font-size:13px}
p{margin:0 0 12px;max-width:76ch}
ul{margin:0 0 12px;padding-left:20px;max-width:96ch}
li{margin:3px 0;overflow-wrap:anywhere}
code{font:12.5px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.brand{margin:0;color:var(--soft);letter-spacing:.09em;text-transform:uppercase;font-size:12px}
nav{display:flex;flex-wrap:wrap;gap:4px 18px;padding:10px 0;border-top:1px solid var(--line);
border-bottom:1px solid var(--line);font-size:13.5px}
nav a{color:var(--s0);text-decoration:none}
nav a:hover{text-decoration:underline}
section{padding-top:38px}
.quiet,figcaption{color:var(--soft);font-size:13px}
.missing{color:var(--warn);font-style:italic}
.verdict{border-left:4px solid var(--line);background:var(--wash);padding:14px 18px;margin:0 0 18px}
.verdict p:last-child{margin:0}
.verdict.good{border-color:var(--good)}.verdict.warn{border-color:var(--warn)}
.verdict.bad{border-color:var(--bad)}
aside{border:1px solid var(--warn);padding:10px 18px;margin-top:20px}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:4px 24px;margin:0 0 14px}
.facts dt{color:var(--soft)}.facts dd{margin:0;overflow-wrap:anywhere}
.scroll{overflow-x:auto;margin:0 0 18px}
table{border-collapse:collapse;font-size:13px;line-height:1.4;width:100%}
caption{text-align:left;font-weight:650;font-size:14px;padding:6px 0}
th,td{text-align:left;vertical-align:top;padding:6px 12px 6px 0;border-bottom:1px solid var(--line);
font-variant-numeric:tabular-nums}
thead th{color:var(--soft);font-weight:500;border-bottom:1px solid #b9c2cc;vertical-align:bottom}
tbody th{font-weight:500;overflow-wrap:break-word}
td.num+td:not(.num),th.num+th:not(.num){padding-left:14px}
.firm{white-space:nowrap}
td .quiet{font-size:.93em}
.num{text-align:right}
.pill{display:inline-block;padding:0 7px;border:1px solid currentColor;border-radius:9px;
font-size:11.5px;line-height:17px;white-space:nowrap}
.pill.good{color:var(--good)}.pill.warn{color:var(--warn)}.pill.bad{color:var(--bad)}
.pill.quiet{color:var(--soft)}
article{margin:0 0 26px}
figure{margin:0 0 14px}
figcaption{max-width:96ch}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(236px,1fr));gap:14px 20px}
svg{display:block;max-width:100%;height:auto;font-family:inherit}
text{fill:var(--ink);font-size:11.5px}
text.panel{font-weight:600;font-size:12px}
text.row{font-size:12px}
text.note,text.tick,text.none{fill:var(--soft);font-size:10.5px}
text.none{paint-order:stroke;stroke:#fff;stroke-width:4px}
.small{max-width:none}
.axis{stroke:#9aa4af;fill:none}
.rule{stroke:#edf0f3;fill:none}
.reference{stroke:#6b7480;stroke-dasharray:4 3;fill:none}
.interval{stroke-width:2.2;stroke-opacity:.55}
line.s0,.mark.s0{stroke:var(--s0)}line.s1,.mark.s1{stroke:var(--s1)}line.s2,.mark.s2{stroke:var(--s2)}
line.s3,.mark.s3{stroke:var(--s3)}line.s4,.mark.s4{stroke:var(--s4)}
.mark{stroke-width:1.6;fill:none}
.mark.s0{fill:var(--s0)}.mark.s1{fill:var(--s1)}.mark.s2{fill:var(--s2)}.mark.s3{fill:var(--s3)}
.curve{fill:none;stroke-width:1.6}
.curve.before{stroke:#9aa4af;stroke-dasharray:3 2}
.point.before{fill:#fff;stroke:#7b838d;stroke-width:1.4}
.curve.after,.curve.teacher{stroke:var(--s1)}.point.after{fill:var(--s1)}
.curve.teacher{stroke:var(--s0)}.point.teacher{fill:var(--s0)}
.whisker{stroke:var(--s1)}.whisker.teacher{stroke:var(--s0)}
.whisker{stroke-opacity:.45;stroke-width:1.4}
.key{font-weight:600}.key.after{color:var(--s1)}.key.before{color:#6b7480}
text.share{font-size:13px;font-weight:600}text.spread{font-size:10.5px}
text.on-dark{fill:#fff}
.course{fill:none;stroke:var(--s0);stroke-width:1.6}
.split{fill:var(--s0)}
.class{stroke:#fff;stroke-width:.6}
.c0{fill:#174e85}.c1{fill:#5c8fbf}.c2{fill:#a9c6e0}.c3{fill:#c2571a}.c4{fill:#e0a17e}.c5{fill:#c9ced4}
.bar.ran{fill:var(--s0)}.bar.skipped{fill:#fff;stroke:var(--s4);stroke-dasharray:4 3}
.panels{grid-template-columns:repeat(auto-fill,minmax(172px,1fr));gap:8px 14px}
.mass{fill:#c9ced4}
.outline{fill:none;stroke-width:1.3}
.outline.train{stroke:#7b838d}.outline.validation{stroke:var(--s0)}.outline.test{stroke:var(--s1)}
details{border-top:1px solid var(--line);padding:8px 0}
details[open]{padding-bottom:20px}
summary{cursor:pointer;padding:2px 0}
summary .quiet{margin-left:8px}
h4{font-size:14px;font-weight:650;margin:18px 0 6px}
.row{display:flex;flex-wrap:wrap;gap:14px 26px;align-items:flex-start}
.dots{stroke-width:3.4;stroke-linecap:round;stroke-opacity:.6;fill:none;stroke:var(--c)}
.dim0{--c:#174e85}.dim1{--c:#c2571a}.dim2{--c:#4a7a35}
.rim{fill:#f6f8fa;stroke:#b9c2cc}
.edge{fill:none;stroke:var(--c);stroke-width:.9;stroke-opacity:.5}
.node{fill:var(--c);fill-opacity:.85;stroke:#fff;stroke-width:.5}
.hue{color:var(--c)}
.key-list{list-style:none;padding:0;font-size:13px;columns:1}
.state{fill:var(--c);stroke:#fff;stroke-width:.6}
.on-q0,.on-q1,.on-q5,.on-q6,.on-q7{fill:#fff}
.frame{fill:none;stroke:var(--line)}
.h0{--c:#174e85}.h1{--c:#c2571a}.h2{--c:#4a7a35}.h3{--c:#7a5aa6}.h4{--c:#a3203f}.h5{--c:#2a8a8a}.h6{--c:#9a7b1a}.h7{--c:#5c8fbf}.h8{--c:#b0559a}.h9{--c:#3d3d8f}.h10{--c:#d08a3c}.h11{--c:#6fae4f}.h12{--c:#8c5a3c}.h13{--c:#4fb3c9}.root{--c:#1c2430}
.q0{--c:#174e85}.q1{--c:#4c86bb}.q2{--c:#9cc0de}.q3{--c:#dfe4ea}.q4{--c:#e9b48f}.q5{--c:#c2571a}.q6{--c:#7c3710}.q7{--c:#5c6673}
.k0{--c:#8aa9c6}.k1{--c:#174e85}.k2{--c:#4a7a35}.k3{--c:#c2571a}.k4{--c:#7a5aa6}.k5{--c:#a3203f}.k6{--c:#dfe4ea}
.heat table{width:auto}
.heat th,.heat td{padding:4px 8px;border-bottom:1px solid #fff}
.heat thead th{max-width:92px;white-space:normal}
.m0{background:#f7f9fb}.m1{background:#e6eef6}.m2{background:#d0e0ef}.m3{background:#b0cbe4}
.m4{background:#8bb1d6}.m5{background:#5c8fbf;color:#fff}.m6{background:#2f6ba5;color:#fff}
.m7{background:#174e85;color:#fff}
@media (max-width:640px){body{padding:24px 16px 64px}.facts{grid-template-columns:1fr}}
@page{size:A4;margin:14mm 12mm}
@media print{
body{padding:0;max-width:none;font-size:10pt}
nav{display:none}
section{padding-top:20px}
h2,h3,caption{break-after:avoid}
tr,figure,svg,.task{break-inside:avoid}
table{font-size:8pt}
th,td{padding-right:6px}
.scroll{overflow:visible}
.grid{grid-template-columns:repeat(3,1fr)}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}
"""
