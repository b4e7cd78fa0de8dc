"""The style sheet: two palettes, and the rules that use them.

Nothing is fetched, so the fonts are those of the reader's system. The hash of the sheet stands in
the page's Content-Security-Policy: a style from anywhere else is not applied.
"""

from __future__ import annotations

import base64
import hashlib

# Each text colour is readable (WCAG AA) on what it stands on: a test measures it.
LIGHT = {
    "ground": "#f4f5f7",
    "card": "#ffffff",
    "ink": "#1b2430",
    "muted": "#57616e",
    "edge": "#d6dbe2",
    "strong": "#7b8694",
    "good": "#17693a",
    "good-soft": "#e2f3e8",
    "warn": "#7d5000",
    "warn-soft": "#fdf0d5",
    "bad": "#ab1f1a",
    "bad-soft": "#fde7e5",
    "info": "#1a569b",
    "info-soft": "#e3edf9",
    "plain": "#57616e",
    "plain-soft": "#eceef1",
}
DARK = {
    "ground": "#12161b",
    "card": "#1b2128",
    "ink": "#e6eaf0",
    "muted": "#a5afbc",
    "edge": "#343d48",
    "strong": "#7d8896",
    "good": "#74d49d",
    "good-soft": "#173527",
    "warn": "#f2c063",
    "warn-soft": "#3a2d12",
    "bad": "#ff9d94",
    "bad-soft": "#451f1d",
    "info": "#8dbcf6",
    "info-soft": "#1a304a",
    "plain": "#a5afbc",
    "plain-soft": "#2a323b",
}
STATES = ("good", "warn", "bad", "info", "plain")


def _palette(colors: dict[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in colors.items())


_OF_STATES = "".join(
    f".badge.{one}{{color:var(--{one});background:var(--{one}-soft)}}"
    f".link.{one},.mark.{one},.knot.{one}{{stroke:var(--{one})}}"
    for one in STATES
) + "".join(
    f".card.{one}{{border-left-color:var(--{one})}}.tile.{one} b{{color:var(--{one})}}"
    for one in ("good", "warn", "bad")
)
_RULES = """
*{box-sizing:border-box}
body{margin:0 auto;padding:1.25rem;max-width:90rem;background:var(--ground);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;overflow-wrap:anywhere}
h1,h2,h3,p,ul,ol,dl,dd{margin:0;padding:0}
h1{font-size:1.6rem;line-height:1.25}
h2{font-size:1.05rem;margin:1.75rem 0 .75rem}
h3{display:flex;flex-wrap:wrap;align-items:center;gap:.4rem;font-size:1.1rem;margin-bottom:.75rem}
h3 span:first-child{margin-right:auto}
a{color:var(--info)}
code{font:.92em ui-monospace,"DejaVu Sans Mono",monospace}
.small{color:var(--muted);font-size:.87rem}
.tiles{display:flex;flex-wrap:wrap;gap:.6rem;margin-top:1rem;list-style:none}
.tile{flex:1 1 9rem;padding:.6rem .9rem;background:var(--card);border:1px solid var(--edge);
border-radius:8px;color:var(--muted);font-size:.87rem;line-height:1.35}
.tile b{display:block;font-size:1.35rem;font-weight:600;color:var(--ink)}
.cards{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(min(100%,30rem),1fr));
align-items:start}
.card{padding:1rem 1.1rem;background:var(--card);border:1px solid var(--edge);border-left-width:4px;
border-radius:8px}
.badge{padding:.1rem .55rem;border-radius:1rem;font-size:.8rem;font-weight:600;white-space:nowrap}
.between{margin:.4rem 0 .9rem;text-align:center;font-size:.92rem}
dl{display:grid;grid-template-columns:7.5rem 1fr;gap:.45rem .9rem;font-size:.92rem}
dt{color:var(--muted)}
dd ul,dd ol{list-style:none}
.when{display:inline-block;min-width:6rem;color:var(--muted)}
.card li .bad{color:var(--bad)}
.crowded{margin-top:1rem}
.untold{margin-top:1.5rem;padding:1rem 1.1rem;background:var(--warn-soft);border-radius:8px}
.untold h2{margin-top:0;color:var(--warn)}
.untold ul{padding-left:1.1rem}
.untold .small{color:var(--ink)}
.listing{overflow-x:auto;margin-top:1rem;background:var(--card);border:1px solid var(--edge);
border-radius:8px}
table{width:100%;border-collapse:collapse;font-size:.87rem;overflow-wrap:normal}
caption{padding:.6rem .8rem;text-align:left;color:var(--muted)}
th,td{padding:.35rem .8rem;border-top:1px solid var(--edge);text-align:left;vertical-align:top;
white-space:nowrap}
thead th{color:var(--muted);font-weight:600}
.number{text-align:right}
svg text{fill:var(--ink);font-size:13px}
svg .small{fill:var(--muted);font-size:12px}
svg .role{font-size:15px;font-weight:600}
.pair{display:block}
.side{fill:var(--ground);stroke:var(--strong);stroke-width:1}
.primary{stroke-width:2.5}
.unsure{stroke-dasharray:5 4}
.disk{fill:none;stroke:var(--strong);stroke-width:1.5}
.disk.good{fill:var(--good-soft);stroke:var(--good)}
.disk.warn{fill:var(--warn-soft);stroke:var(--warn)}
.disk.bad{fill:var(--bad-soft);stroke:var(--bad)}
.disk.unknown{stroke-dasharray:2 2}
.link{stroke-width:3}
.dashed{stroke-dasharray:7 5}
.dotted{stroke-dasharray:1 7;stroke-linecap:round}
.mark{fill:none;stroke-width:2.5;stroke-linecap:round;stroke-linejoin:round}
.bolt{fill:var(--bad)}
.knot{fill:var(--card);stroke-width:2.5}
.ground{fill:var(--info-soft)}
.done{fill:var(--info)}
.sparkline{display:block;width:100%;height:36px;overflow:visible}
.sparkline path{vector-effect:non-scaling-stroke}
.base{stroke:var(--edge);stroke-width:1}
.area{fill:var(--info-soft)}
.spark{fill:none;stroke:var(--info);stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
@media(min-width:64rem){.card:only-child{grid-column:1/-1;display:grid;
grid-template-columns:1fr 1fr;column-gap:2.5rem}.card:only-child .between{margin-bottom:0}}
@media(max-width:36rem){body{padding:.75rem}.card{padding:.8rem}
dl{grid-template-columns:1fr;gap:.1rem}dd{margin-bottom:.5rem}.tile{flex-basis:40%}
svg text{font-size:12px}svg .role{font-size:14px}}
"""

CSS = (
    f":root{{color-scheme:light dark;{_palette(LIGHT)}}}"
    f"@media(prefers-color-scheme:dark){{:root{{{_palette(DARK)}}}}}"
    f"{_RULES}{_OF_STATES}"
)
CSS_SOURCE = f"'sha256-{base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()}'"
