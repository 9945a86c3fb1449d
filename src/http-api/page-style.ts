/** The style of the page, in light and dark. */
export const PAGE_STYLE = `:root {
  color-scheme: light dark;
  --text: light-dark(#1c2430, #e7ebf0);
  --quiet: light-dark(#5a6675, #a3afbd);
  --line: light-dark(#d9dfe6, #333d4a);
  --page: light-dark(#f4f6f8, #12161b);
  --card: light-dark(#fff, #1a2027);
  --accent: light-dark(#0b5cad, #6fb3ff);
  --on-accent: light-dark(#fff, #08131f);
  --bad: light-dark(#a3261c, #ff9d94);
  font: 16px/1.5 system-ui, sans-serif;
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); }
main { max-width: 38rem; margin: 3rem auto; padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
.brand { margin: 0 0 1rem; font-weight: 700; color: var(--accent); }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 1.5rem 0 0.25rem; font-size: 1rem; }
p { margin: 0.5rem 0; }
ul { margin: 0.25rem 0; padding: 0; list-style: none; display: flex; flex-wrap: wrap; gap: 0.4rem; }
li { padding: 0.1rem 0.6rem; border: 1px solid var(--line); border-radius: 1rem; font: 0.9rem ui-monospace, monospace; overflow-wrap: anywhere; }
code, pre { font: 0.875rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { margin: 0.5rem 0; padding: 0.75rem 1rem; background: var(--page); border-radius: 8px; white-space: pre-wrap; }
dl { margin: 1.5rem 0 0; padding-top: 1rem; border-top: 1px solid var(--line); }
dt { font-size: 0.85rem; color: var(--quiet); }
dd { margin: 0 0 0.6rem; overflow-wrap: anywhere; }
.none, #status, #kept { color: var(--quiet); }
#status.bad { color: var(--bad); font-weight: 600; }
a { color: var(--accent); }
button { font: inherit; font-weight: 600; min-height: 44px; margin-top: 1rem; padding: 0.5rem 2rem; color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent); border-radius: 8px; cursor: pointer; }
button.plain { margin-top: 0; padding: 0.5rem 1rem; font-weight: 400; color: var(--accent); background: transparent; }
button:disabled { opacity: 0.5; cursor: default; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
main.wide { max-width: 60rem; }
.wide dt { font-size: 1rem; color: inherit; }
.wide dd { color: var(--quiet); }
[hidden] { display: none !important; }
@media (max-width: 40rem) {
  main { margin: 0; padding: 1.25rem; border: 0; border-radius: 0; min-height: 100vh; }
  #accept { width: 100%; }
}
`;
