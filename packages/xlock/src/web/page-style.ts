/** The style of all pages: narrow enough for a phone, dark where the system is. */
export const STYLE = `
:root{color-scheme:light dark;font:17px/1.5 system-ui,sans-serif}
body{margin:0;display:grid;place-items:center;min-height:100vh;background:light-dark(#f2f4f7,#14171c);color:light-dark(#1a2027,#e8ecf1)}
main{box-sizing:border-box;width:min(26rem,calc(100vw - 2rem));margin:1rem;padding:2rem 1.75rem;border-radius:14px;
background:light-dark(#fff,#1e232b);box-shadow:0 1px 3px #0003,0 8px 28px #0001;overflow-wrap:anywhere}
h1{margin:0;font-size:1.6rem;line-height:1.2}
p{margin:.5rem 0}
form{display:grid;gap:.5rem;margin:1.5rem 0 .5rem}
label{font-weight:600}
input,button{box-sizing:border-box;width:100%;min-height:48px;padding:.6rem .8rem;border-radius:9px;font:inherit}
input{border:1px solid light-dark(#8a94a3,#76818f);background:light-dark(#fff,#14171c);color:inherit}
button{margin-top:.5rem;border:0;background:#1a5fd0;color:#fff;font-weight:600;cursor:pointer}
button.plain{background:none;color:light-dark(#1553b8,#8ab4ff)}
a{color:light-dark(#1553b8,#8ab4ff)}
#digits{margin:.25rem 0 1rem;font-size:4.5rem;line-height:1.1;font-weight:700;letter-spacing:.12em;text-align:center;font-variant-numeric:tabular-nums}
summary{cursor:pointer;color:light-dark(#1553b8,#8ab4ff)}
#code{display:block;box-sizing:border-box;width:100%;margin:.75rem 0;padding:14px;background:#fff;fill:#000;border-radius:8px;shape-rendering:crispEdges}
.note{font-size:.9rem;color:light-dark(#4d5866,#a9b4c2)}
#wait,#problem{margin-top:1.5rem}
#problem{padding:.75rem 1rem;border-left:4px solid #c62828;background:light-dark(#fdf0f0,#2d1f22);border-radius:4px}
:focus-visible{outline:3px solid #4c8dff;outline-offset:2px}
textarea{box-sizing:border-box;width:100%;padding:.6rem .8rem;border-radius:9px;font:.8rem/1.4 ui-monospace,monospace}
[hidden]{display:none}
`;
