import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { SAMPLE_PASSWORD } from '@preflow/contract/guides'
import { credentialOf, encryptCredential } from '@preflow/engine'
import { type Decision, decisionOf, isError } from '../answer.ts'
import { type Check, createProblems, notChecked, type Subject } from '../check.ts'
import type { Exchange } from '../session.ts'
import { withCredential } from '../variants.ts'

/** Passwords that are on every list there is. */
const NOTORIOUS = ['P@ssw0rd', 'password', '123456', 'qwerty123'] as const

type Answered = { exchange: Exchange; decision: Decision } | undefined

async function ask({ session, type, usual }: Subject, variant: string, credential: unknown): Promise<Answered> {
  const [exchange] = await session.tell(type, usual, { variant, rewrite: withCredential(credential) })
  return exchange && { exchange, decision: decisionOf(exchange) }
}

/** A notorious password that is refused in clear, and what the others were answered. */
async function findRefused(subject: Subject): Promise<{ refused?: string; decisions: readonly Decision[] }> {
  const decisions: Decision[] = []
  for (const password of NOTORIOUS) {
    const answered = await ask(subject, 'a notorious password', credentialOf(password))
    if (!answered) continue
    decisions.push(answered.decision)
    if (answered.decision.status === 'FAILED') return { refused: password, decisions }
  }
  return { decisions }
}

/** How a platform can share a password other than in clear. The key is the certificate's, or one that nobody has. */
function formsOf(
  password: string,
  key: KeyObject,
): readonly { words: string; credential: unknown; isEncrypted: boolean }[] {
  const plain = credentialOf(password)
  const hashed = credentialOf(password, 'SHA256_HASHED')
  return [
    { words: 'as SHA-256', credential: hashed, isEncrypted: false },
    { words: 'encrypted', credential: encryptCredential(plain, key, 'text'), isEncrypted: true },
    {
      words: 'encrypted, the characters one by one',
      credential: encryptCredential(plain, key, 'characters'),
      isEncrypted: true,
    },
    { words: 'as SHA-256, encrypted', credential: encryptCredential(hashed, key, 'text'), isEncrypted: true },
    {
      words: 'as SHA-256, encrypted, the characters one by one',
      credential: encryptCredential(hashed, key, 'characters'),
      isEncrypted: true,
    },
  ]
}

export const passwordChecks: readonly Check[] = [
  {
    id: 'event.credential-forms',
    title: 'A refused password is refused in every form',
    why: 'Platforms share passwords in clear, as SHA-256, and either of them encrypted. A form that is not understood must not be a way around.',
    mend: 'Read all forms, or answer ERROR for those you cannot check; never SUCCESS.',
    level: 'must',
    scope: 'type',
    types: ['PRE_UPDATE_PASSWORD'],
    async run(subject) {
      const problems = createProblems()
      const isTheirs = subject.encryptionKey !== undefined
      const key = subject.encryptionKey ?? generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
      const { refused } = await findRefused(subject)
      let unreadable = 0
      const judge = async (
        about: string,
        password: string,
        isWrong: (decision: Decision, isReadable: boolean) => boolean,
        text: (decision: Decision) => string,
      ) => {
        for (const { words, credential, isEncrypted } of formsOf(password, key)) {
          const answered = await ask(subject, `${about} ${words}`, await credential)
          if (!answered) continue
          const { exchange, decision } = answered
          if (decision.status === 'unusable') unreadable += 1
          if (isWrong(decision, isTheirs || !isEncrypted)) problems.add(text(decision), exchange)
        }
      }
      if (refused !== undefined) {
        await judge(
          'a refused password',
          refused,
          ({ status }) => status === 'SUCCESS',
          () => 'A password it refuses in clear is let through.',
        )
      }
      await judge(
        'a good password',
        SAMPLE_PASSWORD,
        // Hashes may be declined: many lists are of other hashes. What is encrypted to its own key is there to be read.
        (decision, isReadable) => isTheirs && isReadable && isError(decision),
        ({ words }) => `It is answered with ${words}.`,
      )
      const notes = [
        ...(refused === undefined ? ['no password it refuses is known, so the forms could not be compared'] : []),
        ...(isTheirs ? [] : ['encrypted to a key it does not have, since no --certificate was given']),
        ...(unreadable > 0 ? [`${unreadable} answers cannot be read; the checks of answers say why`] : []),
      ]
      return problems.finding(notes.join('; ') || undefined)
    },
  },
  {
    id: 'event.refuses-passwords',
    title: 'It refuses a notorious password',
    why: 'The commonest defect of all is a check that never runs: a claim read by the wrong name, a condition that is always false.',
    mend: 'If it is there to refuse breached passwords, find out why it did not; if it is not, this advice is not for you.',
    level: 'should',
    scope: 'type',
    types: ['PRE_UPDATE_PASSWORD'],
    async run(subject) {
      const { refused, decisions } = await findRefused(subject)
      const problems = createProblems()
      if (refused === undefined) {
        if (!decisions.some(({ status }) => status === 'SUCCESS')) return notChecked('None of them was decided.')
        problems.add(`It lets ${NOTORIOUS.join(', ')} through.`, subject.usual.name)
      }
      return problems.finding()
    },
  },
]
