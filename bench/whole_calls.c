/* The calls of the whole-feature world. */
#include "io/io.h"
#include "make.h"
#include "mmap_cdr/dataset.h"
#include "whole.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const codes[] = {"", "CAN", "DA", "INTER", "INTRA", "LD", "LOC", "MEX", "ZZ"};
#define CODES (sizeof codes / sizeof *codes)
#define CARRIER 1

struct call {
    uint64_t caller, callee; /* as numbers; 0 none */
    uint64_t charged, lrn_callee, ring_to;
    int32_t duration_ms, trunk, calltype;
    unsigned kind, callee_type;
    int64_t quantity, provider_charge;
};

/* ---- numbers ---- */

static uint64_t in_exchange(const struct whole *world, uint32_t exchange, uint64_t r)
{
    return whole_exchange(world, exchange) * 10000 + (r >> 20) % 10000;
}

static uint64_t anywhere(const struct whole *world, uint64_t r)
{
    return in_exchange(world, (uint32_t)(r % world->exchange_count), r);
}

/* In the same area as a number of the account. */
static uint64_t nearby(const struct whole *world, uint32_t account, uint64_t r)
{
    const uint32_t exchange = (uint32_t)(((uint64_t)account * 104729 + 12345) % world->exchange_count);
    return in_exchange(world, exchange / WHOLE_EXCHANGES * WHOLE_EXCHANGES + (uint32_t)(r % WHOLE_EXCHANGES),
                       r);
}

static uint64_t abroad(uint64_t r)
{
    const uint64_t prefix = whole_foreign((uint32_t)(r % WHOLE_FOREIGN));
    return prefix * 100000000 + (r >> 24) % 100000000;
}

static uint32_t any_account(const struct whole *world, uint64_t i)
{
    return (uint32_t)(pick(131, i, 100) < 80 ? pick(132, i, world->accounts / 5)
                                             : pick(132, i, world->accounts));
}

static uint64_t own_number(const struct whole *world, uint32_t account, uint64_t r)
{
    return whole_number(world, account, (uint32_t)(r >> 40) % 10);
}

/* ---- kinds of calls ---- */

static void set_payer(const struct whole *world, struct call *call, uint32_t account, uint64_t i, uint64_t r)
{
    call->caller = own_number(world, account, r);
    if (pick(133, i, 100) < 2)
        call->caller = UINT64_C(15550000000) + r % 10000000;
    else if (whole_payer_of(account) == WHOLE_BY_TRUNK)
        call->trunk = 1 + (int32_t)(account / 20);
    else if (whole_payer_of(account) == WHOLE_BY_CHARGED)
        call->charged = whole_number(world, account, 0);
}

static void make_outbound(const struct whole *world, struct call *call, uint32_t account, uint64_t i,
                          uint64_t r)
{
    const uint64_t where = pick(134, i, 100);
    set_payer(world, call, account, i, r);
    if (where < 35) {
        call->callee = nearby(world, account, r);
    } else if (where < 60) {
        call->callee = anywhere(world, r);
    } else if (where < 63) {
        call->callee = UINT64_C(18002000000) + r % 1000000;
        return;
    } else if (where < 75) {
        call->callee = abroad(r);
        return;
    } else if (where < 76) {
        call->callee = 411;
        call->callee_type = TOLL_NUMBER_SHORT;
        return;
    } else if (where < 90) {
        const uint32_t step = world->exchange_count / WHOLE_POPULAR;
        call->callee = in_exchange(world, (uint32_t)(r % WHOLE_POPULAR) * step, r);
    } else {
        const uint32_t other = pick(135, i, 10) < 3 ? account : any_account(world, i ^ UINT64_C(1) << 60);
        call->callee = own_number(world, other, r >> 3);
    }
    if (pick(136, i, 100) < 40)
        call->lrn_callee = call->callee / 10000000 * 10000000 + (200 + pick(137, i, 792)) * 10000;
    if (whole_plan_of(account) == 12)
        call->calltype = 1 + (int32_t)pick(138, i, CODES - 1);
}

static void make_inbound(const struct whole *world, struct call *call, uint32_t account, bool toll_free,
                         uint64_t i, uint64_t r)
{
    call->kind |= TOLL_KIND_IN;
    call->caller = pick(139, i, 100) < 40 ? nearby(world, account, r) : anywhere(world, r);
    call->callee = toll_free ? whole_toll_free(account & ~3u) : own_number(world, account, r);
    if (toll_free && pick(140, i, 5) != 0)
        call->ring_to = own_number(world, account & ~3u, r);
}

/* Both legs of a record: this row is one, i ^ 1 the other. Half of the other ends are ours. */
static void make_leg(const struct whole *world, struct call *call, uint64_t i)
{
    const uint64_t pair = i >> 1, r = mix(141, pair);
    const uint32_t account = any_account(world, pair);
    call->kind |= TOLL_KIND_LEG | ((i & 1) != 0 ? TOLL_KIND_IN : 0);
    call->caller = own_number(world, account, r);
    call->callee = pick(142, pair, 2) == 0 ? own_number(world, any_account(world, pair + 7), r >> 5)
                                           : nearby(world, account, r);
}

static struct call make_call(const struct whole *world, uint64_t i)
{
    struct call call = {.callee_type = TOLL_NUMBER_E164, .kind = TOLL_VOICE};
    const uint64_t kind = pick(130, i, 1000), leg = pick(143, i >> 1, 1000), r = mix(144, i);
    const uint32_t account = any_account(world, i);
    if (leg < 30)
        make_leg(world, &call, i);
    else if (kind >= 303)
        make_outbound(world, &call, account, i, r);
    else if (kind >= 83)
        make_inbound(world, &call, account, kind < 183, i, r);
    else {
        set_payer(world, &call, account, i, r);
        call.kind = kind < 60 ? TOLL_SMS : kind < 80 ? TOLL_DATA : TOLL_EVENT;
        call.callee = kind < 60 ? anywhere(world, r) : 0;
        call.callee_type = kind < 60 ? TOLL_NUMBER_E164 : TOLL_NUMBER_NONE;
        call.quantity = kind < 60 ? 1 : kind < 80 ? (int64_t)(1 + r % 3000000) : 1;
        if (kind >= 80) {
            call.kind |= TOLL_KIND_PROVIDER_CHARGE;
            call.provider_charge = (int64_t)(r % 1000) * 100000;
        }
        return call;
    }
    const uint64_t same = leg < 30 ? i >> 1 << 1 : i; /* both legs tell of one call */
    if (pick(145, same, 10) != 0) {
        call.kind |= TOLL_KIND_ANSWERED;
        call.duration_ms = any_duration(same);
    }
    return call;
}

/* ---- columns ---- */

struct columns {
    int64_t *start, *quantity, *provider_charge, *no_text;
    int32_t *duration_ms, *source_file, *source_row, *trunk, *calltype;
    uint64_t *caller, *callee, *charged, *lrn_callee, *ring_to, *key_high, *key_low;
    uint16_t *kind, *carrier;
};

static void put_call(const struct whole *world, const struct columns *to, int64_t row, int64_t i)
{
    const int64_t span = (int64_t)world->size->days * TOLL_DAY_MS;
    const struct call call = make_call(world, (uint64_t)i);
    to->start[row] = FIRST_DAY * TOLL_DAY_MS + (int64_t)((__int128)i * span / world->size->cdrs);
    to->caller[row] = pack(call.caller);
    to->callee[row] = call.callee == 0 ? 0 : pack(call.callee);
    to->charged[row] = call.charged == 0 ? 0 : pack(call.charged);
    to->lrn_callee[row] = call.lrn_callee == 0 ? 0 : pack(call.lrn_callee);
    to->ring_to[row] = call.ring_to == 0 ? 0 : pack(call.ring_to);
    to->duration_ms[row] = call.duration_ms;
    to->trunk[row] = call.trunk;
    to->calltype[row] = call.calltype;
    to->quantity[row] = call.quantity;
    to->provider_charge[row] = call.provider_charge;
    to->kind[row] = (uint16_t)(call.kind | TOLL_NUMBER_E164 << TOLL_KIND_CALLER_TYPE_SHIFT |
                               call.callee_type << TOLL_KIND_CALLEE_TYPE_SHIFT);
    to->carrier[row] = CARRIER;
    to->key_high[row] = mix(41, (uint64_t)i);
    to->key_low[row] = mix(42, (uint64_t)i);
    to->source_file[row] = 1;
    to->source_row[row] = (int32_t)(i + 1);
}

static int write_day(const struct whole *world, struct toll_dataset *dataset, const struct columns *columns,
                     const char *const *trunks, int day, struct toll_dataset_part *part,
                     struct toll_error *error)
{
    static const char *const carriers[] = {"", "bench"}, *const sources[] = {"", SHA};
    const int64_t cdrs = world->size->cdrs, days = world->size->days;
    const int64_t first = (day * cdrs + days - 1) / days, last = ((day + 1) * cdrs + days - 1) / days;
    for (int64_t i = first; i < last; i++)
        put_call(world, columns, i - first, i);
    struct toll_cdr_part_data data = {
        .columns = {.rows = last - first,
                    .start = columns->start,
                    .duration_ms = columns->duration_ms,
                    .caller = columns->caller,
                    .callee = columns->callee,
                    .kind = columns->kind,
                    .carrier = columns->carrier,
                    .charged = columns->charged,
                    .lrn_callee = columns->lrn_callee,
                    .ring_to = columns->ring_to,
                    .trunk = columns->trunk,
                    .calltype = columns->calltype,
                    .quantity = columns->quantity,
                    .provider_charge = columns->provider_charge,
                    .record_key_high = columns->key_high,
                    .record_key_low = columns->key_low,
                    .source_file = columns->source_file,
                    .source_row = columns->source_row},
        .carrier = {carriers, 2},
        .trunk = {trunks, world->trunks + 1},
        .hint = {carriers, 1},
        .calltype = {codes, CODES},
        .source_file = {sources, 2},
        .record_id_data = "",
        .caller_text_data = "",
        .callee_text_data = "",
        .record_id_offset = columns->no_text,
        .caller_text_offset = columns->no_text,
        .callee_text_offset = columns->no_text,
    };
    char name[TOLL_PART_NAME_BYTES], path[TOLL_PART_NAME_BYTES + 8];
    *part = (struct toll_dataset_part){.day = FIRST_DAY + day,
                                       .generation = dataset->generation + 1,
                                       .rows = last - first,
                                       .first_start = columns->start[0],
                                       .last_start = columns->start[last - first - 1]};
    toll_cdr_most_add(&part->most, data.columns.duration_ms, data.columns.quantity, last - first);
    toll_dataset_part_name(part, name);
    snprintf(path, sizeof path, "parts/%s", name);
    return toll_cdr_part_write(dataset->io, dataset->directory, path, &data, &part->seal, &part->text_seal,
                               error);
}

static int write_days(const struct whole *world, const struct columns *columns, const char *const *trunks,
                      struct toll_error *error)
{
    char path[4096];
    struct toll_dataset dataset;
    struct toll_dataset_part parts[31];
    struct toll_receipt receipt = {.file = (char[]){"bench.csv"},
                                   .spec = (char[]){"bench"},
                                   .spec_version = (char[]){"1"},
                                   .carrier = (char[]){"bench"},
                                   .sha256 = SHA,
                                   .rows = world->size->cdrs,
                                   .accepted = world->size->cdrs};
    snprintf(path, sizeof path, "%s/cdrs", world->folder);
    int rc = toll_dataset_open_for_import(&dataset, toll_io_system(), path, error);
    if (rc != 0)
        return rc;
    for (int day = 0; day < world->size->days && rc == 0; day++)
        rc = write_day(world, &dataset, columns, trunks, day, &parts[day], error);
    if (rc == 0)
        rc = toll_dataset_publish(&dataset, parts, (size_t)world->size->days, &receipt, 1, error);
    toll_dataset_close(&dataset);
    return rc;
}

int whole_write_calls(const struct whole *made)
{
    struct whole world = *made;
    const size_t rows = (size_t)(world.size->cdrs / world.size->days) + 2;
    struct columns columns;
    struct toll_error error = {.text = "out of memory"};
    int rc = -1;
    world.trunks = world.accounts / 20;
    /* 16 columns of 8 bytes at most, the names of the trunks behind them */
    uint8_t *memory = calloc(rows + 1, 18 * sizeof(int64_t));
    char(*names)[8] = calloc(world.trunks + 1u, sizeof *names);
    const char **trunks = calloc(world.trunks + 1u, sizeof *trunks);
    if (memory != NULL && names != NULL && trunks != NULL) {
        void **const places[] = {
            (void **)&columns.start,       (void **)&columns.quantity,   (void **)&columns.provider_charge,
            (void **)&columns.no_text,     (void **)&columns.caller,     (void **)&columns.callee,
            (void **)&columns.charged,     (void **)&columns.lrn_callee, (void **)&columns.ring_to,
            (void **)&columns.key_high,    (void **)&columns.key_low,    (void **)&columns.duration_ms,
            (void **)&columns.source_file, (void **)&columns.source_row, (void **)&columns.trunk,
            (void **)&columns.calltype,    (void **)&columns.kind,       (void **)&columns.carrier};
        for (size_t i = 0; i < sizeof places / sizeof *places; i++)
            *places[i] = memory + i * (rows + 1) * sizeof(int64_t);
        for (uint32_t i = 0; i < world.trunks; i++)
            snprintf(names[i + 1], sizeof *names, "T%06u", i * 20 + 7);
        for (uint32_t i = 0; i <= world.trunks; i++)
            trunks[i] = names[i];
        rc = write_days(&world, &columns, trunks, &error);
    }
    if (rc != 0)
        fprintf(stderr, "bench world in %s: %s\n", world.folder, error.text);
    free(memory);
    free(names);
    free(trunks);
    return rc == 0 ? 0 : -1;
}
