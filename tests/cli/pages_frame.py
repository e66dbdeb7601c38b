# SPDX-License-Identifier: MIT
import html
text = html.escape(open("run.html").read(), quote=True)
frame = '<iframe id="f" style="border:0;width:400px;height:5000px" srcdoc="'
open("phone.html", "w").write(frame + text + '''"></iframe>
<script>f.onload = () => { let d = f.contentDocument, w = 0;
for (let e of d.querySelectorAll("body *")) w = Math.max(w, e.getBoundingClientRect().right);
document.title = "widest " + Math.ceil(w) + " scroll " + d.documentElement.scrollWidth +
" smallest " + Math.min(...[...d.querySelectorAll("svg text")].map(e => Math.round(
e.getBoundingClientRect().height))) }</script>''')
