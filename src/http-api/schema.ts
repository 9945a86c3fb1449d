/** The part of JSON Schema 2020-12, the dialect of OpenAPI 3.1, that the routes of the server use. */
export interface Schema {
  /** Makes it a component of the OpenAPI document, under this name. */
  readonly title?: string;
  /** For the OpenAPI document and the page of the documentation. */
  readonly description?: string;
  /** Default: any. */
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  /** Members of an object, by name. */
  readonly properties?: Readonly<Record<string, Schema>>;
  /** Members that must be there. Default none. */
  readonly required?: readonly string[];
  /** Default here: nothing but `properties`. `true` lets anything in. */
  readonly additionalProperties?: boolean | Schema;
  /** What an array holds. Default: anything. */
  readonly items?: Schema;
  /** Default 0. */
  readonly minItems?: number;
  /** Default: no limit of its own. */
  readonly maxItems?: number;
  /** The only texts that are let through. */
  readonly enum?: readonly string[];
  /** A regular expression, in the `u` mode, that a text must match. */
  readonly pattern?: string;
  /** Characters of a text. Default 0. */
  readonly minLength?: number;
  /** Characters of a text. Default: no limit of its own. */
  readonly maxLength?: number;
  /** Of a number, itself included. */
  readonly minimum?: number;
  /** Of a number, itself included. */
  readonly maximum?: number;
  /** One of these must let it through. */
  readonly oneOf?: readonly Schema[];
}

/** The TypeScript type of what a schema lets through. */
export type FromSchema<S> = S extends { readonly enum: readonly (infer Word)[] }
  ? Word
  : S extends { readonly oneOf: readonly (infer One)[] }
    ? FromSchema<One>
    : S extends { readonly type: 'string' }
      ? string
      : S extends { readonly type: 'integer' | 'number' }
        ? number
        : S extends { readonly type: 'boolean' }
          ? boolean
          : S extends { readonly type: 'array'; readonly items: infer Item }
            ? readonly FromSchema<Item>[]
            : S extends { readonly type: 'object'; readonly properties: infer Members }
              ? FromMembers<Members, RequiredOf<S>>
              : S extends { readonly type: 'object' }
                ? Readonly<Record<string, unknown>>
                : unknown;

type RequiredOf<S> = S extends { readonly required: readonly (infer Name)[] } ? Name : never;

type FromMembers<Members, Required> = {
  readonly [Name in keyof Members as Name extends Required ? Name : never]: FromSchema<Members[Name]>;
} & {
  readonly [Name in keyof Members as Name extends Required ? never : Name]?: FromSchema<Members[Name]>;
};
