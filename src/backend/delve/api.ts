/**
 * Delve's API version 2 as it is on the wire: names and meanings are those of `service/api/types.go` and
 * `service/rpc2/server.go` (1.20.2 to 1.27.2). Only what is used here is written down; a field that an old Delve does not
 * send is optional.
 */

/** An address: a decimal text where a double would not hold it (addresses that are not real, vsyscall). */
export type Word = number | string

export interface DebuggerState {
  readonly Pid?: number
  readonly TargetCommandLine?: string
  readonly Running: boolean
  readonly Recording?: boolean
  readonly CoreDumping?: boolean
  readonly currentThread?: Thread
  /** The selected goroutine. */
  readonly currentGoroutine?: Goroutine
  readonly Threads: readonly Thread[] | null
  readonly NextInProgress: boolean
  readonly WatchOutOfScope?: readonly Breakpoint[] | null
  readonly exited: boolean
  readonly exitStatus: number
  /** The position in a recording. */
  readonly When?: string
  /** From 1.26.1: `breakpoint`, `manual`, `next finished`, `watchpoint`, `call returned`, `launched`, … */
  readonly stopReason?: string
}

export interface Thread {
  readonly id: number
  readonly pc: Word
  readonly file: string
  readonly line: number
  readonly function?: GoFunction
  readonly goroutineID: number
  readonly breakPoint?: Breakpoint
  readonly breakPointInfo?: BreakpointInfo
  readonly ReturnValues?: readonly Variable[] | null
  readonly CallReturn?: boolean
}

export interface GoFunction {
  readonly name: string
  readonly value?: Word
  readonly optimized: boolean
}

export interface Location {
  readonly pc: Word
  readonly file: string
  readonly line: number
  readonly function?: GoFunction
  readonly pcs?: readonly Word[]
}

export interface Stackframe extends Location {
  readonly Locals?: readonly Variable[] | null
  readonly Arguments?: readonly Variable[] | null
  readonly FrameOffset?: number
  readonly Defers?: readonly Defer[] | null
  readonly Bottom?: boolean
  readonly Err?: string
}

export interface Defer {
  readonly DeferredLoc: Location
  readonly DeferLoc: Location
  readonly Unreadable?: string
}

export interface Goroutine {
  readonly id: number
  readonly currentLoc: Location
  readonly userCurrentLoc: Location
  readonly goStatementLoc: Location
  readonly startLoc: Location
  /** Of a goroutine that runs, else 0. */
  readonly threadID: number
  readonly status: number
  readonly waitSince?: number
  readonly waitReason?: number
  readonly unreadable?: string
  readonly labels?: Readonly<Record<string, string>>
}

export interface Breakpoint {
  readonly id: number
  readonly name: string
  readonly addr: Word
  readonly addrs?: readonly Word[] | null
  readonly file: string
  readonly line: number
  readonly functionName?: string
  readonly Cond: string
  readonly HitCond?: string
  readonly HitCondPerG?: boolean
  /** A tracepoint: a flag for the client, which resumes by itself. */
  readonly continue: boolean
  readonly traceReturn?: boolean
  readonly goroutine?: boolean
  readonly stacktrace?: number
  readonly variables?: readonly string[] | null
  readonly LoadArgs?: LoadConfig | null
  readonly LoadLocals?: LoadConfig | null
  readonly WatchExpr?: string
  /** Bits: 1 read, 2 write. */
  readonly WatchType?: number
  readonly hitCount?: Readonly<Record<string, number>> | null
  readonly totalHitCount: number
  readonly disabled?: boolean
}

export interface BreakpointInfo {
  readonly stacktrace?: readonly Stackframe[] | null
  readonly goroutine?: Goroutine | null
  readonly variables?: readonly Variable[] | null
  readonly arguments?: readonly Variable[] | null
  readonly locals?: readonly Variable[] | null
}

/** Bits of `Variable.flags`. */
export const variableFlags = {
  escaped: 1,
  shadowed: 2,
  constant: 4,
  argument: 8,
  returnArgument: 16,
  fakeAddress: 32,
  cPointer: 64,
  register: 128,
} as const

export interface Variable {
  readonly name: string
  readonly addr: Word
  readonly onlyAddr: boolean
  readonly type: string
  readonly realType: string
  readonly flags: number
  /** Go's `reflect.Kind`. */
  readonly kind: number
  readonly value: string
  /** Base64: the true bytes of a string that is not UTF-8. */
  readonly StringValueBytes?: string | null
  readonly len: number
  readonly cap: number
  readonly children: readonly Variable[] | null
  readonly base: Word
  readonly unreadable: string
  readonly LocationExpr?: string
  readonly DeclLine?: number
}

export interface LoadConfig {
  readonly FollowPointers: boolean
  readonly MaxVariableRecurse: number
  /** In bytes. */
  readonly MaxStringLen: number
  readonly MaxArrayValues: number
  /** -1 for all. */
  readonly MaxStructFields: number
}

export interface EvalScope {
  /** -1 is the selected one. */
  readonly GoroutineID: number
  readonly Frame: number
  readonly DeferredCall?: number
}

/** An unknown name is answered like `State` and does nothing: a typo would not be seen. */
export type CommandName =
  | 'continue'
  | 'rewind'
  | 'directionCongruentContinue'
  | 'step'
  | 'reverseStep'
  | 'stepOut'
  | 'reverseStepOut'
  | 'stepInstruction'
  | 'nextInstruction'
  | 'reverseStepInstruction'
  | 'reverseNextInstruction'
  | 'next'
  | 'reverseNext'
  | 'switchThread'
  | 'switchGoroutine'
  | 'halt'
  | 'call'

export interface DebuggerCommand {
  readonly name: CommandName
  readonly threadID?: number
  readonly goroutineID?: number
  readonly ReturnInfoLoadConfig?: LoadConfig
  readonly expr?: string
  readonly unsafeCall?: boolean
}

export interface AsmInstruction {
  readonly Loc: Location
  readonly DestLoc?: Location | null
  readonly Text: string
  /** Base64. */
  readonly Bytes: string
  readonly Breakpoint: boolean
  readonly AtPC: boolean
}

export interface Register {
  readonly Name: string
  readonly Value: string
  readonly DwarfNumber: number
}

export interface GoroutineFilter {
  /** 1 CurrentLoc, 2 UserLoc, 3 GoLoc, 4 StartLoc, 5 Label, 6 Running, 7 User, 8 WaitingOnChannel. */
  readonly Kind: number
  readonly Negated: boolean
  readonly Arg: string
}

export interface PackageBuildInfo {
  readonly ImportPath: string
  readonly DirectoryPath: string
  readonly Files: readonly string[] | null
}

/** What is changed of a breakpoint, or all of a new one. */
export type NewBreakpoint = Partial<Breakpoint>

interface Scoped {
  readonly Scope: EvalScope
}
type Configured = Scoped & { readonly Cfg: LoadConfig }
interface ById {
  readonly Id?: number
  readonly Name?: string
}
type Empty = Readonly<Record<string, never>>
type States = { readonly State: DebuggerState }

/** Each method of Delve's that is used here: what it takes and what it answers. */
export interface Methods {
  SetApiVersion: { in: { readonly APIVersion: number }; out: Empty }
  GetVersion: {
    in: Empty
    out: {
      readonly DelveVersion: string
      readonly APIVersion: number
      readonly Backend?: string
      readonly TargetGoVersion?: string
      readonly MinSupportedVersionOfGo?: string
      readonly MaxSupportedVersionOfGo?: string
    }
  }
  IsMulticlient: { in: Empty; out: { readonly IsMulticlient: boolean } }
  AttachedToExistingProcess: { in: Empty; out: { readonly Answer: boolean } }
  ProcessPid: { in: Empty; out: { readonly Pid: number } }
  Recorded: { in: Empty; out: { readonly Recorded: boolean; readonly TraceDirectory: string } }
  State: { in: { readonly NonBlocking: boolean }; out: States }
  Command: { in: DebuggerCommand; out: States }
  CancelNext: { in: Empty; out: Empty }
  Detach: { in: { readonly Kill: boolean }; out: Empty }
  Restart: {
    in: { readonly Position?: string; readonly ResetArgs?: boolean; readonly Rebuild?: boolean }
    out: {
      readonly DiscardedBreakpoints: readonly { readonly Breakpoint: Breakpoint; readonly Reason: string }[] | null
    }
  }
  CreateBreakpoint: {
    in: { readonly Breakpoint: NewBreakpoint; readonly LocExpr?: string; readonly Suspended?: boolean }
    out: { readonly Breakpoint: Breakpoint }
  }
  AmendBreakpoint: { in: { readonly Breakpoint: NewBreakpoint }; out: Empty }
  ClearBreakpoint: { in: ById; out: { readonly Breakpoint: Breakpoint | null } }
  GetBreakpoint: { in: ById; out: { readonly Breakpoint: Breakpoint } }
  ListBreakpoints: { in: { readonly All: boolean }; out: { readonly Breakpoints: readonly Breakpoint[] | null } }
  CreateWatchpoint: {
    in: Scoped & { readonly Expr: string; readonly Type: number }
    out: Breakpoint
  }
  FindLocation: {
    in: Scoped & { readonly Loc: string; readonly IncludeNonExecutableLines?: boolean }
    out: { readonly Locations: readonly Location[] | null; readonly SubstituteLocExpr?: string }
  }
  ListGoroutines: {
    in: {
      readonly Start: number
      readonly Count: number
      readonly Filters?: readonly GoroutineFilter[]
      /** Where the channel of a filter is looked for. */
      readonly EvalScope?: EvalScope
    }
    out: { readonly Goroutines: readonly Goroutine[] | null; readonly Nextg: number }
  }
  Stacktrace: {
    in: {
      readonly Id: number
      /** N gives N + 1 frames. */
      readonly Depth: number
      readonly Skip?: number
      readonly Full?: boolean
      readonly Opts?: number
      readonly Cfg?: LoadConfig
    }
    out: { readonly Locations: readonly Stackframe[] | null }
  }
  ListFunctionArgs: { in: Configured; out: { readonly Args: readonly Variable[] | null } }
  ListLocalVars: { in: Configured; out: { readonly Variables: readonly Variable[] | null } }
  ListPackageVars: {
    in: { readonly Filter: string; readonly Cfg: LoadConfig }
    out: { readonly Variables: readonly Variable[] | null }
  }
  ListRegisters: {
    in: { readonly Scope: EvalScope; readonly IncludeFp: boolean }
    out: { readonly Registers: string; readonly Regs: readonly Register[] | null }
  }
  Eval: {
    in: Scoped & { readonly Expr: string; readonly Cfg: LoadConfig }
    out: { readonly Variable: Variable | null }
  }
  Set: { in: Scoped & { readonly Symbol: string; readonly Value: string }; out: Empty }
  ExamineMemory: {
    in: { readonly Address: number; readonly Length: number }
    out: { readonly Mem: string; readonly IsLittleEndian: boolean }
  }
  Disassemble: {
    in: Scoped & { readonly StartPC: number; readonly EndPC: number; readonly Flavour: number }
    out: { readonly Disassemble: readonly AsmInstruction[] | null }
  }
  ListSources: { in: { readonly Filter: string }; out: { readonly Sources: readonly string[] | null } }
  ListFunctions: {
    in: { readonly Filter: string; readonly FollowCalls?: number }
    out: { readonly Funcs: readonly string[] | null }
  }
  ListTypes: { in: { readonly Filter: string }; out: { readonly Types: readonly string[] | null } }
  ListPackagesBuildInfo: {
    in: { readonly IncludeFiles: boolean; readonly Filter?: string }
    out: { readonly List: readonly PackageBuildInfo[] | null }
  }
}

export type Method = keyof Methods
export type In<M extends Method> = Methods[M]['in']
export type Out<M extends Method> = Methods[M]['out']
