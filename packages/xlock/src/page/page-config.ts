/** What the approval page is told by its server (`/config.json`). Nothing of it is secret. */
export interface ApprovalPageConfig {
  /** Origins that may be approved for; `any`: all. */
  readonly services: readonly string[] | 'any';
  /** Share stores beside the browser's own. */
  readonly stores: readonly string[];
  /** The relay that pushes come over. */
  readonly relay?: { readonly url: string; readonly did?: string };
  /** With which key to subscribe for Web Push, and at which path of a service. */
  readonly webPush?: { readonly publicKey: string; readonly path: string };
}
