import { type ActionType, actionTypes } from '@preflow/contract'
import { actionTypeGuides, type Scenario } from '@preflow/contract/guides'

/** What triggers an action type on platforms. The first scenario is the simplest. */
export function scenariosOf(type: ActionType): readonly Scenario[] {
  return actionTypeGuides[type].scenarios
}

/** Which scenario to choose. A missing member matches every scenario. */
export interface ScenarioChoice {
  grant?: string
  initiator?: string
  /** The flow or the name of a scenario. */
  flow?: string
}

/** The first scenario that matches; undefined if none does. */
export function chooseScenario(type: ActionType, choice: ScenarioChoice): Scenario | undefined {
  const { grant, initiator, flow } = choice
  return scenariosOf(type).find(
    scenario =>
      (grant === undefined || scenario.grant === grant || scenario.grant?.endsWith(`:${grant}`)) &&
      (initiator === undefined || scenario.initiator === initiator) &&
      (flow === undefined || scenario.flow === flow || scenario.name === flow),
  )
}

/** One line per scenario of a type, with the options that select it. */
export function describeScenarios(type: ActionType): string {
  const rows = scenariosOf(type).map(scenario => {
    const { name, about, grant, initiator, flow } = scenario
    const words = [
      ...(grant === undefined ? [] : [`--grant ${grant}`]),
      ...(initiator ? [`--initiator ${initiator}`] : []),
    ]
    // Several scenarios may share a flow. All but the first are selected by their own name.
    const isChosenByFlow = flow !== undefined && chooseScenario(type, { flow }) === scenario
    const isChosenAlready = grant !== undefined && chooseScenario(type, { grant }) === scenario
    if (!isChosenAlready) words.push(`--flow ${isChosenByFlow ? flow : name}`)
    return [words.join(' '), about] as const
  })
  const width = Math.max(...rows.map(([words]) => words.length))
  return rows.map(([words, about]) => `  ${words.padEnd(width)}  ${about}`).join('\n')
}

/**
 * The action type for a name on the command line, in any spelling: `PRE_ISSUE_ACCESS_TOKEN`, `preIssueAccessToken`,
 * `pre-issue-access-token`.
 */
export function readActionType(word: string): ActionType | undefined {
  const plain = (name: string) => name.replaceAll(/[^a-z]/gi, '').toLowerCase()
  return (Object.keys(actionTypes) as ActionType[]).find(type => plain(type) === plain(word))
}
