export interface Customer {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
}

declare global {
  namespace Express {
    interface Request {
      /** Set by currentCustomer. */
      customer: Customer;
    }
  }
}
