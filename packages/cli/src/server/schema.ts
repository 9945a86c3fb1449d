/** The part of JSON Schema 2020-12, the dialect of OpenAPI 3.1, that the routes of the server use. */
export interface Schema {
  /** Makes it a component of the OpenAPI document, under this name. */
  readonly title?: string;
  readonly description?: string;
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  /** Default here: nothing but `properties`. `true` lets anything in. */
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
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
