/**
 * Finds users by the index, and counts them, without reading documents.
 *
 * A condition becomes a set of user numbers in SQL: `and` is an INTERSECT, `or` a UNION, `not` a complement. If the index cannot
 * answer exactly, there are two sets: one with too many users and one with too few.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Database } from './database.ts'
import { findIndexNumbers, INDEXED, isShortKey, longOf } from './user-index.ts'

/** A search condition. Names are those of `INDEXED`, operands are keys (`valueKey`). */
export type UserCondition =
  | { kind: 'and' | 'or'; parts: readonly UserCondition[] }
  | { kind: 'not'; part: UserCondition }
  /** One value of the attribute passes the test. */
  | { kind: 'some'; name: string; test: ValueTest }
  /** The attribute has this value and no other one. */
  | { kind: 'only'; name: string; column: ValueColumn; operand: string }
  | {
      kind: 'column'
      column: UserColumn
      operator: Exclude<SearchOperator, 'co' | 'sw' | 'ew'>
      operand: string | number
    }
  /** The user is a member of a matching group. Without a test: of any group. */
  | { kind: 'group'; test?: { column: 'id' | 'name_key'; operator: 'eq' | 'co' | 'ew'; operand: string } }
  /** The index cannot evaluate the condition. */
  | { kind: 'unknown' }

/** The test of one value of an attribute. */
export type ValueTest =
  | { kind: 'and' | 'or'; parts: readonly ValueTest[] }
  | { kind: 'not'; part: ValueTest }
  | { kind: 'compare'; column: ValueColumn; operator: SearchOperator; operand: string }
  | { kind: 'present'; column: ValueColumn }
  | { kind: 'unknown' }

/** The value itself, or its `type` in a list of complex values. */
export type ValueColumn = 'key' | 'type'

export type UserColumn = 'id' | 'is_active' | 'created_at' | 'updated_at'

export type SearchOperator = 'eq' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le'

/** The order of found users. Users without a value come last, or first if descending. */
export interface UserOrder {
  by: { name: string } | { column: UserColumn }
  isDescending: boolean
}

/** The search would take too long: too many comparisons read all values of an attribute. */
export class SearchTooBroad extends Error {
  override name = 'SearchTooBroad'
}

/** The result of a search, before users are loaded. */
export interface UserSearch {
  /** Whether it has exactly the matching users. Otherwise their documents must be compared. */
  isExact: boolean
  count(): Promise<number>
  /** The numbers of found users in the order of creation, after the number `after`. */
  page(options: { after?: number; offset?: number; limit: number }): Promise<number[]>
  /** The same in another order. */
  sortedPage(order: UserOrder, options: { offset: number; limit: number }): Promise<number[]>
}

/** Prepares the search for the users of an organization. Throws {@link SearchTooBroad}. */
export async function searchUsers(
  db: Database,
  organizationId: string,
  condition: UserCondition | undefined,
): Promise<UserSearch> {
  const { queries } = db
  const compile = createCompiler(db, organizationId, await findIndexNumbers(queries, organizationId))
  const { may, must } = condition ? compile(condition) : { may: ALL, must: ALL }
  return { isExact: may === must, ...readerOf(db, organizationId, may, compile.numbers) }
}

/** The same among users with these numbers. */
export async function searchNumbers(
  db: Database,
  organizationId: string,
  numbers: readonly number[],
): Promise<UserSearch> {
  const found =
    numbers.length === 0
      ? NONE
      : within(sql`select number as user_number from users where number in (${sql.join(numbers)})`)
  return {
    isExact: true,
    ...readerOf(db, organizationId, found, await findIndexNumbers(db.queries, organizationId)),
  }
}

/** A set of users of the organization: those that SQL selects, or all others. */
interface UserSet {
  isComplement: boolean
  /** Selects each `user_number` once. Absent: no user. */
  query?: RawBuilder<unknown>
}

const NONE: UserSet = { isComplement: false }
const ALL: UserSet = { isComplement: true }
const within = (query: RawBuilder<unknown>): UserSet => ({ isComplement: false, query })
const complement = ({ isComplement, query }: UserSet): UserSet => ({
  isComplement: !isComplement,
  ...(query && { query }),
})

function combine(word: 'intersect' | 'union' | 'except', one: RawBuilder<unknown>, other: RawBuilder<unknown>) {
  // SQLite does not allow parentheses around the parts of a compound.
  return sql`select user_number from (${one}) as one ${sql.raw(word)} select user_number from (${other}) as other`
}

function intersection(one: UserSet, other: UserSet): UserSet {
  if (!one.query) return one.isComplement ? other : NONE
  if (!other.query) return other.isComplement ? one : NONE
  if (one.isComplement && other.isComplement) {
    return { isComplement: true, query: combine('union', one.query, other.query) }
  }
  if (one.isComplement) return within(combine('except', other.query, one.query))
  return within(combine(other.isComplement ? 'except' : 'intersect', one.query, other.query))
}

/** The union of two sets, by De Morgan's law. */
const union = (one: UserSet, other: UserSet) => complement(intersection(complement(one), complement(other)))

/** Users that may match, and users that certainly do. The same object if the index answers exactly. */
interface Bounds {
  may: UserSet
  must: UserSet
}

const exactly = (set: UserSet): Bounds => ({ may: set, must: set })

function mapBounds(bounds: readonly Bounds[], join: (one: UserSet, other: UserSet) => UserSet, start: UserSet): Bounds {
  const may = bounds.map(one => one.may).reduce(join, start)
  const isExact = bounds.every(one => one.may === one.must)
  return { may, must: isExact ? may : bounds.map(one => one.must).reduce(join, start) }
}

/** Maximum number of comparisons that read all values of an attribute. One takes 0.2 s with 200,000 users. */
const MAX_SCANS = 6

type Compile = ((condition: UserCondition) => Bounds) & { numbers: ReadonlyMap<string, number> }

function createCompiler(db: Database, organizationId: string, numbers: ReadonlyMap<string, number>): Compile {
  const tests = createTests(db)
  const scan = createScanCounter()

  /** The users with a row of the attribute that the SQL selects. */
  const having = (name: string, where: RawBuilder<boolean>): UserSet => {
    const number = numbers.get(name)
    if (number === undefined) return NONE
    return within(sql`select distinct user_number from user_values where attribute = ${number} and ${where}`)
  }

  function some(name: string, test: ValueTest): Bounds {
    if (!tests.isSelective(test)) scan()
    const { may, must } = tests.compile(test)
    const [short, certain] = [having(name, may), having(name, must)]
    // A cut key decides little. A test of only the type is still exact.
    const long = having(longOf(name), tests.readsKey(test) ? sql<boolean>`1 = 1` : may)
    if (may === must && (!long.query || !tests.readsKey(test))) return exactly(union(short, long))
    return { may: union(short, long), must: certain }
  }

  /** The users with this value and no other one. */
  function only(name: string, column: ValueColumn, operand: string): Bounds {
    const number = numbers.get(name)
    const long = numbers.get(longOf(name))
    if (!isShortKey(operand)) return { may: having(longOf(name), sql<boolean>`1 = 1`), must: NONE }
    if (number === undefined) return exactly(NONE)
    if (column === 'type') scan()
    const [mine, others] = [sql.ref(`mine.${column}`), sql.ref(`others.${column}`)]
    const attributes = sql.join([number, ...(long === undefined ? [] : [long])])
    return exactly(
      within(sql`select distinct user_number from user_values as mine
        where attribute = ${number} and ${mine} = ${operand} and not exists (
          select 1 from user_values as others where others.user_number = mine.user_number
            and others.attribute in (${attributes}) and ${others} not in (${operand}, ''))`),
    )
  }

  function inColumn({ column, operand, operator }: UserCondition & { kind: 'column' }): UserSet {
    const users = (where: RawBuilder<boolean>) =>
      within(sql`select number as user_number from users where organization_id = ${organizationId} and ${where}`)
    // Most users are active, so the others are the smaller set.
    if (column === 'is_active' && operand === 1) return complement(users(sql`is_active = 0`))
    return users(tests.compare(sql.ref(column), operator, operand))
  }

  function inGroup(test: (UserCondition & { kind: 'group' })['test']): UserSet {
    const matching = test ? tests.compare(sql.ref(`groups.${test.column}`), test.operator, test.operand) : sql`1 = 1`
    return within(sql`select distinct users.number as user_number from "groups"
      join group_members on group_members.group_id = "groups".id join users on users.id = group_members.user_id
      where "groups".organization_id = ${organizationId} and ${matching}`)
  }

  function compile(condition: UserCondition): Bounds {
    switch (condition.kind) {
      case 'and':
        return mapBounds(condition.parts.map(compile), intersection, ALL)
      case 'or':
        return mapBounds(condition.parts.map(compile), union, NONE)
      case 'not': {
        const { may, must } = compile(condition.part)
        return may === must ? exactly(complement(may)) : { may: complement(must), must: complement(may) }
      }
      case 'some':
        return some(condition.name, condition.test)
      case 'only':
        return only(condition.name, condition.column, condition.operand)
      case 'column':
        return exactly(inColumn(condition))
      case 'group':
        return exactly(inGroup(condition.test))
      case 'unknown':
        return { may: ALL, must: NONE }
      default:
        return condition satisfies never
    }
  }
  return Object.assign(compile, { numbers })
}

/** Makes the function that counts the scans of one search. */
function createScanCounter(): () => void {
  let scans = 0
  return () => {
    if (++scans > MAX_SCANS) throw new SearchTooBroad()
  }
}

/** Tests of one row of the index as SQL. */
function createTests({ engine }: Database) {
  const isPostgres = engine === 'postgresql'
  const characters = (text: string) => [...text].length

  function compare(
    column: RawBuilder<unknown>,
    operator: SearchOperator,
    operand: string | number,
  ): RawBuilder<boolean> {
    const text = String(operand)
    switch (operator) {
      case 'eq':
        return sql`${column} = ${operand}`
      case 'co':
        return isPostgres ? sql`strpos(${column}, ${text}) > 0` : sql`instr(${column}, ${text}) > 0`
      case 'ew':
        return isPostgres
          ? sql`right(${column}, ${characters(text)}) = ${text}`
          : sql`substr(${column}, ${-characters(text)}) = ${text}`
      case 'sw': {
        const end = afterPrefix(text)
        return end === undefined ? sql`${column} >= ${text}` : sql`(${column} >= ${text} and ${column} < ${end})`
      }
      default:
        return sql`${column} ${sql.raw(ORDERINGS[operator])} ${operand}`
    }
  }

  const present = (column: ValueColumn) => sql<boolean>`${sql.ref(column)} <> ''`

  function compile(test: ValueTest): { may: RawBuilder<boolean>; must: RawBuilder<boolean> } {
    switch (test.kind) {
      case 'and':
      case 'or': {
        const parts = test.parts.map(compile)
        const start = sql<boolean>`${sql.raw(test.kind === 'and' ? '1 = 1' : '1 = 0')}`
        const join = (list: RawBuilder<boolean>[]) =>
          sql<boolean>`(${sql.join([start, ...list], sql.raw(` ${test.kind} `))})`
        const may = join(parts.map(part => part.may))
        return { may, must: parts.every(part => part.may === part.must) ? may : join(parts.map(part => part.must)) }
      }
      case 'not': {
        const { may, must } = compile(test.part)
        const negated = sql<boolean>`not ${must}`
        return { may: negated, must: may === must ? negated : sql<boolean>`not ${may}` }
      }
      case 'compare': {
        const { column, operand, operator } = test
        const found = sql<boolean>`(${present(column)} and ${compare(sql.ref(column), operator, operand)})`
        return { may: found, must: found }
      }
      case 'present':
        return { may: present(test.column), must: present(test.column) }
      case 'unknown':
        return { may: sql<boolean>`1 = 1`, must: sql<boolean>`1 = 0` }
      default:
        return test satisfies never
    }
  }

  return { compare, compile, isSelective, readsKey }
}

/** Whether the test reads few rows, because it requires an equality or a prefix. */
function isSelective(test: ValueTest): boolean {
  if (test.kind === 'and') return test.parts.some(isSelective)
  if (test.kind === 'or') return test.parts.every(isSelective)
  return test.kind === 'compare' && test.column === 'key' && ['eq', 'sw'].includes(test.operator)
}

function readsKey(test: ValueTest): boolean {
  switch (test.kind) {
    case 'and':
    case 'or':
      return test.parts.some(readsKey)
    case 'not':
      return readsKey(test.part)
    case 'unknown':
      return true
    default:
      return test.column === 'key'
  }
}

const ORDERINGS = { gt: '>', ge: '>=', lt: '<', le: '<=' } as const

/** The first string after all strings with the prefix. Nothing if there is none. */
function afterPrefix(prefix: string): string | undefined {
  const characters = [...prefix]
  for (let last = characters.pop(); last !== undefined; last = characters.pop()) {
    const code = last.codePointAt(0) as number
    // Surrogates are not characters, so skip them.
    if (code < 0x10ffff) return characters.join('') + String.fromCodePoint(code === 0xd7ff ? 0xe000 : code + 1)
  }
  return undefined
}

function readerOf(
  { engine, queries }: Database,
  organizationId: string,
  { isComplement, query }: UserSet,
  numbers: ReadonlyMap<string, number>,
): Omit<UserSearch, 'isExact'> {
  const everybody = sql`select number as user_number from users where organization_id = ${organizationId}`
  const counted = async (from: RawBuilder<unknown>) => {
    const { rows } = await sql<{ total: number }>`select count(*) as total from (${from}) as found`.execute(queries)
    return rows[0]?.total ?? 0
  }
  const without = (excluded: RawBuilder<unknown>) =>
    engine === 'postgresql'
      ? sql`${everybody} and not exists (select 1 from (${excluded}) as excluded where excluded.user_number = users.number)`
      : sql`${everybody} and number not in (${excluded})`
  const whole = isComplement ? (query ? without(query) : everybody) : query
  const read = async (statement: RawBuilder<{ user_number: number }>) =>
    (await statement.execute(queries)).rows.map(row => row.user_number)
  return {
    async count() {
      if (!query) return isComplement ? counted(everybody) : 0
      // Counting the index alone is many times faster than counting users.
      return isComplement ? (await counted(everybody)) - (await counted(query)) : counted(query)
    },
    async page({ after, limit, offset = 0 }) {
      if (!whole || limit === 0) return []
      if (isComplement) {
        const behind = after === undefined ? sql`` : sql` and number > ${after}`
        return read(sql`${whole}${behind} order by number limit ${limit} offset ${offset}`)
      }
      if (after === undefined) return read(sql`${whole} order by user_number limit ${limit} offset ${offset}`)
      return read(
        sql`select user_number from (${whole}) as found where user_number > ${after} order by user_number limit ${limit} offset ${offset}`,
      )
    },
    async sortedPage({ by, isDescending }, { limit, offset }) {
      if (!whole || limit === 0) return []
      const direction = sql.raw(isDescending ? 'desc' : 'asc')
      const nulls = sql.raw(isDescending ? 'nulls first' : 'nulls last')
      const ordered = sql`order by sorted ${direction} ${nulls}, found.user_number limit ${limit} offset ${offset}`
      if ('column' in by) {
        return read(sql`select found.user_number, ${sql.ref(by.column)} as sorted from (${whole}) as found
          join users on users.number = found.user_number ${ordered}`)
      }
      const attributes = [by.name, longOf(by.name)].flatMap(name => numbers.get(name) ?? [])
      const matching = attributes.length === 0 ? sql`1 = 0` : sql`value.attribute in (${sql.join(attributes)})`
      return read(sql`select found.user_number, nullif(value.key, '') as sorted from (${whole}) as found
        left join user_values as value on value.user_number = found.user_number and ${matching} and value.element = 0
        ${ordered}`)
    },
  }
}

/** Whether an attribute can be used for searching and sorting. */
export function isIndexed(name: string): boolean {
  return Object.hasOwn(INDEXED, name)
}
