package asl

// The codes of the diagnostics of this package. Each is explained in docs/errors.
const (
	CodeUnknownField         = "UNKNOWN_FIELD"
	CodeMisplacedField       = "MISPLACED_FIELD"
	CodeFieldNotAllowed      = "FIELD_NOT_ALLOWED"
	CodeFieldOfOtherLanguage = "FIELD_OF_OTHER_QUERY_LANGUAGE"
	CodeMissingField         = "MISSING_FIELD"
	CodeWrongType            = "WRONG_TYPE"
	CodeInvalidValue         = "INVALID_VALUE"
	CodeOutOfRange           = "OUT_OF_RANGE"
	CodeConflictingFields    = "CONFLICTING_FIELDS"
	CodeInvalidPath          = "INVALID_PATH"
	CodePartialExpression    = "PARTIAL_EXPRESSION"
	CodeQueryLanguage        = "INVALID_QUERY_LANGUAGE"
	CodeStateName            = "INVALID_STATE_NAME"
	CodeDuplicateState       = "DUPLICATE_STATE_NAME"
	CodeMissingTransition    = "MISSING_TRANSITION"
	CodeMissingTarget        = "MISSING_TRANSITION_TARGET"
	CodeForeignTarget        = "TRANSITION_LEAVES_FLOW"
	CodeUnreachable          = "UNREACHABLE_STATE"
	CodeNoTerminal           = "NO_TERMINAL_STATE"
	CodeEndless              = "ENDLESS_LOOP"
	CodeNoDefault            = "CHOICE_WITHOUT_DEFAULT"
	CodeErrorName            = "INVALID_ERROR_NAME"
	CodeStatesAll            = "MISPLACED_STATES_ALL"
	CodeVariableName         = "INVALID_VARIABLE_NAME"
	CodeOuterVariable        = "VARIABLE_OF_OUTER_SCOPE"
	CodeTooManyVariables     = "TOO_MANY_VARIABLES"
	CodeTooManyProblems      = "TOO_MANY_PROBLEMS"
	CodeNeverMatches         = "ERROR_NEVER_MATCHES"
	CodeRetryOutlives        = "RETRY_OUTLIVES_TIMEOUT"
	CodeUnreadVariable       = "UNREAD_VARIABLE"
	CodeUnreadOutput         = "UNREAD_OUTPUT"
)

// maxFindings is how many errors, and how many warnings, one parse gives at most.
const maxFindings = 200

// The limits that the service sets.
const (
	maxNameLength   = 80         // of a state or a variable, in characters
	maxLabelLength  = 40         // of a distributed Map's label
	maxSeconds      = 99_999_999 // of timeouts, waits and intervals
	maxAttempts     = 99_999_999
	maxDelaySeconds = 31_622_399 // of a retry: less than a leap year
	maxBatchBytes   = 262_144
)
