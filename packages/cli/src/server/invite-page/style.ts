/** The style of the page, in light and dark. */
export const PAGE_STYLE = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; }
main { max-width: 40rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin-bottom: 0.25rem; }
code { overflow-wrap: anywhere; }
dt { font-weight: 600; }
dd { margin: 0 0 0.5rem; overflow-wrap: anywhere; }
button { font: inherit; padding: 0.6rem 1.5rem; min-height: 44px; cursor: pointer; }
button:disabled { cursor: default; }
[hidden] { display: none; }
`;
