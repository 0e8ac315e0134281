import { type ActionType, actionTypes } from '@preflow/contract'
import { accessTokenOccasions } from './access-token.ts'
import { authenticationOccasions } from './authentication.ts'
import { idTokenOccasions } from './id-token.ts'
import type { Occasion } from './occasion.ts'
import { passwordOccasions } from './password.ts'
import { profileOccasions } from './profile.ts'

/** What happens on platforms, by action type. The first of each type is the plainest. */
export const occasions: Readonly<Record<ActionType, readonly Occasion[]>> = {
  PRE_ISSUE_ACCESS_TOKEN: accessTokenOccasions,
  PRE_ISSUE_ID_TOKEN: idTokenOccasions,
  PRE_UPDATE_PASSWORD: passwordOccasions,
  PRE_UPDATE_PROFILE: profileOccasions,
  AUTHENTICATION: authenticationOccasions,
}

/** Which occasion is meant. What is absent does not matter. */
export interface OccasionChoice {
  grant?: string
  initiator?: string
  /** The flow or the name of an occasion. */
  flow?: string
}

/** The first occasion that fits; undefined when none does. */
export function chooseOccasion(type: ActionType, choice: OccasionChoice): Occasion | undefined {
  const { grant, initiator, flow } = choice
  return occasions[type].find(
    occasion =>
      (grant === undefined || occasion.grant === grant || occasion.grant?.endsWith(`:${grant}`)) &&
      (initiator === undefined || occasion.initiator === initiator) &&
      (flow === undefined || occasion.flow === flow || occasion.name === flow),
  )
}

/** One line per occasion of a type, for a person who has to choose. */
export function describeOccasions(type: ActionType): string {
  const rows = occasions[type].map(occasion => {
    const { name, about, grant, initiator, flow } = occasion
    const words = [
      ...(grant === undefined ? [] : [`--grant ${grant}`]),
      ...(initiator ? [`--initiator ${initiator}`] : []),
    ]
    // Several occasions may share a flow; then the others are called by their own name.
    const isChosenByFlow = flow !== undefined && chooseOccasion(type, { flow }) === occasion
    const isChosenAlready = grant !== undefined && chooseOccasion(type, { grant }) === occasion
    if (!isChosenAlready) words.push(`--flow ${isChosenByFlow ? flow : name}`)
    return [words.join(' '), about] as const
  })
  const width = Math.max(...rows.map(([words]) => words.length))
  return rows.map(([words, about]) => `  ${words.padEnd(width)}  ${about}`).join('\n')
}

/**
 * The action type that a word on the command line means, however it is written: `PRE_ISSUE_ACCESS_TOKEN`,
 * `preIssueAccessToken`, `pre-issue-access-token`.
 */
export function readActionType(word: string): ActionType | undefined {
  const plain = (name: string) => name.replaceAll(/[^a-z]/gi, '').toLowerCase()
  return (Object.keys(actionTypes) as ActionType[]).find(type => plain(type) === plain(word))
}
