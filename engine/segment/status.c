/* Names of what is stored as small numbers. */
#include "tollmill_segment.h"

static const struct {
    const char *name, *reason;
} statuses[TOLL_STATUS_COUNT] = {
    [TOLL_RATED] = {"rated", ""},
    [TOLL_ZERO_UNANSWERED] = {"zero_rated", "unanswered"},
    [TOLL_ZERO_FREE] = {"zero_rated", "free"},
    [TOLL_ZERO_DURATION] = {"zero_rated", "zero_duration"},
    [TOLL_ZERO_EMERGENCY] = {"zero_rated", "emergency"},
    [TOLL_ZERO_OTHER_PARTY] = {"other_party", "other_party"},
    [TOLL_RATED_FAIR_USE] = {"rated", "fair_use"},
    [TOLL_ZERO_CLOSED] = {"zero_rated", "closed"},
    [TOLL_ZERO_COST_FEED] = {"zero_rated", "cost_feed"},
    [TOLL_ZERO_COMPARE_FEED] = {"zero_rated", "compare_feed"},
    [TOLL_SUSPENSE_CONFLICT] = {"conflict", "conflict"},
    [TOLL_SUSPENSE_PARTY_CONFLICT] = {"suspense", "party_conflict"},
    [TOLL_SUSPENSE_NO_ACCOUNT] = {"suspense", "no_account"},
    [TOLL_SUSPENSE_NO_PLAN] = {"suspense", "no_plan"},
    [TOLL_SUSPENSE_NO_RULE] = {"suspense", "no_rule"},
    [TOLL_SUSPENSE_NO_PREFIX] = {"suspense", "no_prefix"},
    [TOLL_SUSPENSE_NO_CALLTYPE] = {"suspense", "no_calltype"},
    [TOLL_SUSPENSE_NO_RATE] = {"suspense", "no_rate"},
    [TOLL_SUSPENSE_BLOCKED] = {"suspense", "blocked"},
    [TOLL_SUSPENSE_BAD_NUMBER] = {"suspense", "bad_number"},
    [TOLL_SUSPENSE_NO_BAND] = {"suspense", "no_band"},
    [TOLL_SUSPENSE_REJECTED] = {"suspense", "rejected"},
    [TOLL_SUSPENSE_NO_PROVIDER_CHARGE] = {"suspense", "no_provider_charge"},
    [TOLL_SUSPENSE_OVERFLOW] = {"suspense", "overflow"},
    [TOLL_SUSPENSE_POOL_LIMIT] = {"suspense", "pool_limit"},
    [TOLL_SUSPENSE_NO_FX] = {"suspense", "no_fx"},
};

const char *toll_status_name(unsigned status)
{
    return status < TOLL_STATUS_COUNT && statuses[status].name ? statuses[status].name : "";
}

const char *toll_status_reason(unsigned status)
{
    return status < TOLL_STATUS_COUNT && statuses[status].reason ? statuses[status].reason : "";
}

const char *toll_class_name(unsigned value)
{
    static const char *const names[TOLL_CLASSES] = {"ordinary", "toll_free", "premium", "n11", "on_net"};
    return value < TOLL_CLASSES ? names[value] : "";
}

const char *toll_call_jurisdiction_name(unsigned value)
{
    static const char *const names[TOLL_CALL_JURISDICTIONS] = {"indeterminate", "local", "intrastate",
                                                               "interstate", "international"};
    return value < TOLL_CALL_JURISDICTIONS ? names[value] : "";
}
