import type * as z from 'zod/mini'

type Recognizer = (value: unknown) => boolean

/** By the `type` in the definition of a schema. A kind that is not here recognizes nothing. */
const kinds: Record<string, (definition: never) => Recognizer> = {
  string: () => value => typeof value === 'string',
  // JSON has no NaN, but 1e999 becomes Infinity.
  number: () => value => Number.isFinite(value),
  boolean: () => value => typeof value === 'boolean',
  unknown: () => () => true,
  literal:
    ({ values }: z.core.$ZodLiteralDef<z.core.util.Literal>) =>
    value =>
      values.includes(value as never),
  enum: ({ entries }: z.core.$ZodEnumDef) => {
    const values: unknown[] = Object.values(entries)
    // TypeScript lists the names of members among the values of an enum of numbers.
    const isOfTexts: boolean = values.every(value => typeof value === 'string')
    return value => isOfTexts && values.includes(value)
  },
  optional: ({ innerType }: z.core.$ZodOptionalDef) => recognizerOf(innerType),
  nullable: ({ innerType }: z.core.$ZodNullableDef) => {
    const recognizes = recognizerOf(innerType)
    return value => value === null || recognizes(value)
  },
  array: ({ element }: z.core.$ZodArrayDef) => {
    const recognizes = recognizerOf(element)
    return value => {
      if (!Array.isArray(value)) return false
      for (const one of value) if (!recognizes(one)) return false
      return true
    }
  },
  union: ({ options, inclusive }: z.core.$ZodUnionDef) => {
    const forms = options.map(recognizerOf)
    // Of forms that exclude each other more than one may fit.
    if (inclusive === false) return () => false
    return value => forms.some(recognizes => recognizes(value))
  },
  object: ({ shape, catchall }: z.core.$ZodObjectDef) => {
    // Only a loose object is its own result; others lose or refuse what they do not name.
    if (catchall?._zod.def.type !== 'unknown') return () => false
    const members = Object.entries(shape).map(([name, schema]) => ({
      name,
      isOptional: schema._zod.def.type === 'optional',
      recognizes: recognizerOf(schema),
    }))
    return value => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
      for (const { name, isOptional, recognizes } of members) {
        const member = (value as Record<string, unknown>)[name]
        if (member === undefined ? !isOptional : !recognizes(member)) return false
      }
      return true
    }
  },
}

function recognizerOf(schema: z.core.$ZodType): Recognizer {
  const def: z.core.$ZodTypeDef & { check?: string; coerce?: boolean } = schema._zod.def
  // `check` is set where the kind itself has a rule: a whole number, a URL.
  const isPlain = !def.checks?.length && def.check === undefined && !def.coerce
  const kind = isPlain ? kinds[def.type] : undefined
  return kind ? kind(def as never) : () => false
}

const recognizers = new WeakMap<z.core.$ZodType, Recognizer>()

/**
 * Whether a document, as `JSON.parse` makes them, plainly fits a schema and is its own result.
 *
 * Yes is certain. No says nothing: zod must be asked, which also has the words for what is wrong. Taking a schema apart once
 * into functions makes the yes, which nearly every call is, several times cheaper than asking zod each time, in any runtime:
 * nothing is generated and nothing evaluated.
 */
export function recognizes(schema: z.core.$ZodType, document: unknown): boolean {
  let recognizer = recognizers.get(schema)
  if (!recognizer) {
    recognizer = recognizerOf(schema)
    recognizers.set(schema, recognizer)
  }
  return recognizer(document)
}
