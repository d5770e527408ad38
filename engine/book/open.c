/* Image to struct toll_book: pointers into the sections, zones parsed, everything validated once. */
#include "base/check.h"
#include "base/large.h"
#include "book/check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define COPY_BYTES ((size_t)1 << 30)
#define THREAD_BYTES ((size_t)16 << 20) /* an image for which a thread is worth its while */

/* What a book owns besides the bytes it borrows. */
struct owned {
    struct toll_blob blob;
    uint8_t *image;
    struct toll_zone **zones;
    uint32_t zone_count;
};

static int bad(struct toll_error *error, const char *name, const char *what)
{
    return toll_error_set(error, TOLL_EDATA,
                          "%s: the book's image is not sound (%s); compile the book again with this program",
                          name, what);
}

/* -- sections -- */

#define AT(id) view->data[TOLL_SECTION_##id]
#define COUNT(id) (uint32_t) view->count[TOLL_SECTION_##id]

static void set_taxes(struct toll_tax_tables *tax, const struct toll_image_view *view)
{
    tax->strings = AT(STRINGS);
    tax->jurisdictions = AT(TAX_JURISDICTIONS);
    tax->jurisdiction_count = COUNT(TAX_JURISDICTIONS);
    tax->areas = AT(TAX_AREAS);
    tax->area_count = COUNT(TAX_AREAS);
    tax->area_jurisdictions = AT(TAX_AREA_JURISDICTIONS);
    tax->area_jurisdiction_count = COUNT(TAX_AREA_JURISDICTIONS);
    tax->sellers = AT(TAX_SELLERS);
    tax->seller_count = COUNT(TAX_SELLERS);
    tax->services = AT(TAX_SERVICES);
    tax->service_count = COUNT(TAX_SERVICES);
    tax->products = AT(PRODUCTS);
    tax->product_count = COUNT(PRODUCTS);
    tax->splits = AT(TAX_SPLITS);
    tax->split_count = COUNT(TAX_SPLITS);
    tax->split_parts = AT(TAX_SPLIT_PARTS);
    tax->split_part_count = COUNT(TAX_SPLIT_PARTS);
    tax->taxes = AT(TAXES);
    tax->tax_count = COUNT(TAXES);
    tax->line_bases = AT(TAX_LINE_BASES);
    tax->line_basis_count = COUNT(TAX_LINE_BASES);
    tax->series = AT(TAX_SERIES);
    tax->series_count = COUNT(TAX_SERIES);
    tax->brackets = AT(TAX_BRACKETS);
    tax->bracket_count = COUNT(TAX_BRACKETS);
    tax->ids = AT(TAX_IDS);
    tax->id_count = COUNT(TAX_IDS);
    tax->texts = AT(TAX_TEXTS);
    tax->text_count = COUNT(TAX_TEXTS);
    tax->exemptions = AT(TAX_EXEMPTIONS);
    tax->exemption_count = COUNT(TAX_EXEMPTIONS);
    tax->changes = AT(TAX_CHANGES);
    tax->change_count = COUNT(TAX_CHANGES);
    tax->charges = AT(CHARGES);
    tax->charge_count = COUNT(CHARGES);
    tax->inventory = AT(INVENTORY);
    tax->inventory_count = COUNT(INVENTORY);
}

static void set_sections(struct toll_book *book, const struct toll_image_view *view)
{
    book->strings = AT(STRINGS);
    book->string_bytes = view->count[TOLL_SECTION_STRINGS];
    book->numbers = AT(NUMBERS);
    book->number_capacity = view->count[TOLL_SECTION_NUMBERS];
    book->owner_dates = AT(OWNER_DATES);
    book->owners = AT(OWNERS);
    book->owner_count = COUNT(OWNERS);
    book->spans = AT(SPANS);
    book->span_count = COUNT(SPANS);
    book->named[TOLL_NAMED_TRUNK] = AT(TRUNKS);
    book->named_count[TOLL_NAMED_TRUNK] = COUNT(TRUNKS);
    book->named[TOLL_NAMED_HINT] = AT(HINTS);
    book->named_count[TOLL_NAMED_HINT] = COUNT(HINTS);
    book->named[TOLL_NAMED_CARRIER] = AT(CARRIERS);
    book->named_count[TOLL_NAMED_CARRIER] = COUNT(CARRIERS);
    book->buckets = AT(BUCKETS);
    book->bucket_count = COUNT(BUCKETS);
    book->accounts = AT(ACCOUNTS);
    book->account_count = COUNT(ACCOUNTS);
    book->sites = AT(SITES);
    book->site_count = COUNT(SITES);
    book->plans = AT(PLANS);
    book->plan_count = COUNT(PLANS);
    book->plan_chains = AT(PLAN_CHAINS);
    book->chains = AT(CHAINS);
    book->chain_count = COUNT(CHAINS);
    book->chain_rules = AT(CHAIN_RULES);
    book->rules = AT(RULES);
    book->rule_count = COUNT(RULES);
    book->destinations = COUNT(DESTINATION_LPM) > 0 ? AT(DESTINATION_LPM) : NULL;
    book->destination_names = AT(DESTINATION_NAMES);
    book->destination_count = COUNT(DESTINATION_NAMES);
    book->place_lpm = COUNT(PLACE_LPM) > 0 ? AT(PLACE_LPM) : NULL;
    book->places = AT(PLACES);
    book->place_count = COUNT(PLACES);
    book->state_names = AT(STATE_NAMES);
    book->state_count = COUNT(STATE_NAMES);
    book->ratecenter_names = AT(RATECENTER_NAMES);
    book->ratecenter_count = COUNT(RATECENTER_NAMES);
    book->local_pairs = AT(LOCAL_PAIRS);
    book->local_pair_count = COUNT(LOCAL_PAIRS);
    book->calltype_words = AT(CALLTYPE_WORDS);
    book->calltype_word_count = COUNT(CALLTYPE_WORDS);
    book->decks = AT(DECKS);
    book->deck_count = COUNT(DECKS);
    book->deck_zones = AT(DECK_ZONES);
    book->lpm_words = AT(LPM_WORDS);
    book->lpm_word_count = view->count[TOLL_SECTION_LPM_WORDS];
    book->entries = AT(ENTRIES);
    book->entry_count = COUNT(ENTRIES);
    book->entry_rows = AT(ENTRY_ROWS);
    book->entry_row_count = COUNT(ENTRY_ROWS);
    book->entry_spans = AT(ENTRY_SPANS);
    book->entry_span_count = COUNT(ENTRY_SPANS);
    book->calltype_keys = AT(CALLTYPE_KEYS);
    book->zone_shorter = AT(ZONE_SHORTER);
    book->pair_zone_count = COUNT(ZONE_SHORTER);
    book->pairs = AT(PAIRS);
    book->pair_count = COUNT(PAIRS);
    book->price_terms = AT(PRICE_TERMS);
    book->terms = AT(TERMS);
    book->terms_count = COUNT(TERMS);
    book->origins = AT(ORIGINS);
    book->origin_count = COUNT(ORIGINS);
    book->origin_groups = AT(ORIGIN_GROUPS);
    book->origin_group_count = COUNT(ORIGIN_GROUPS);
    book->price_count = COUNT(PRICE_TERMS);
    book->calendars = AT(CALENDARS);
    book->calendar_count = COUNT(CALENDARS);
    book->calendar_rows = AT(CALENDAR_ROWS);
    book->holidays = AT(HOLIDAYS);
    book->band_names = AT(BAND_NAMES);
    book->band_count = COUNT(BAND_NAMES);
    book->surcharges = AT(SURCHARGES);
    book->surcharge_count = COUNT(SURCHARGES);
    book->bundles = AT(BUNDLES);
    book->bundle_count = COUNT(BUNDLES);
    book->bundle_destinations = AT(BUNDLE_DESTINATIONS);
    book->bundle_destination_count = COUNT(BUNDLE_DESTINATIONS);
    book->grants = AT(GRANTS);
    book->grant_count = COUNT(GRANTS);
    book->pools = AT(POOLS);
    book->pool_count = COUNT(POOLS);
    book->entitlements = AT(ENTITLEMENTS);
    book->entitlement_count = COUNT(ENTITLEMENTS);
    book->tiers = AT(TIERS);
    book->tiers_count = COUNT(TIERS);
    book->tier_rows = AT(TIER_ROWS);
    book->tier_row_count = COUNT(TIER_ROWS);
    book->fx = AT(FX);
    book->fx_count = COUNT(FX);
    set_taxes(&book->tax, view);
}
#undef AT
#undef COUNT

static const char *set_meta(struct toll_book *book, const struct toll_image_view *view)
{
    const struct toll_book_meta *meta = view->data[TOLL_SECTION_META];

    if (view->count[TOLL_SECTION_META] != 1 || view->count[TOLL_SECTION_DESTINATION_LPM] > 1 ||
        view->count[TOLL_SECTION_PLACE_LPM] > 1)
        return "its settings";
    for (uint32_t id = 0; id < TOLL_SECTION_COUNT; id++) {
        const bool bytes = id == TOLL_SECTION_SOURCE_BYTES || id == TOLL_SECTION_ZONE_BYTES;
        if (!bytes && view->count[id] > UINT32_MAX)
            return "the size of a section";
    }
    set_sections(book, view);
    if (book->string_bytes == 0 || book->strings[0] != 0 || book->strings[book->string_bytes - 1] != 0)
        return "its strings";
    if (!toll_check_text(book, meta->name) || !toll_check_currency(book, meta->currency) || meta->nanp < 0 ||
        meta->nanp > 1 || meta->decimals < 0 || meta->decimals > TOLL_MONEY_DECIMALS || meta->rounding < 0 ||
        meta->rounding > TOLL_DOWN || meta->basis < 0 || meta->basis > TOLL_BASIS_CARRIER ||
        meta->on_net < 0 || meta->on_net > TOLL_ON_NET_ANY || !toll_check_text(book, meta->country))
        return "its settings";
    book->name = toll_book_string(book, meta->name);
    book->currency = toll_book_string(book, meta->currency);
    book->nanp = meta->nanp == 1;
    book->decimals = meta->decimals;
    book->rounding = (enum toll_rounding)meta->rounding;
    book->country = toll_book_string(book, meta->country);
    book->basis = (enum toll_jurisdiction_basis)meta->basis;
    book->on_net = (enum toll_on_net_rule)meta->on_net;
    book->number_count = meta->number_count;
    book->buy_span = meta->buy_span;
    book->buy_span_count = meta->buy_span_count;
    if (meta->taxed > 1 || meta->spare != 0)
        return "its settings";
    book->tax.taxed = meta->taxed == 1;
    return NULL;
}

static void set_assigned(struct toll_book *book)
{
    book->has_cost = book->buy_span_count > 0;
    for (uint32_t i = 0; i < book->named_count[TOLL_NAMED_TRUNK]; i++) {
        const struct toll_named *trunk = &book->named[TOLL_NAMED_TRUNK][i];
        book->has_trunk_plans = book->has_trunk_plans || trunk->span_count > 0;
        book->has_cost = book->has_cost || trunk->buy_span_count > 0;
    }
    for (uint32_t i = 0; i < book->named_count[TOLL_NAMED_CARRIER]; i++) {
        const struct toll_named *carrier = &book->named[TOLL_NAMED_CARRIER][i];
        book->has_carrier_plans = book->has_carrier_plans || carrier->span_count > 0;
        book->has_cost = book->has_cost || carrier->buy_span_count > 0;
        book->has_feeds = book->has_feeds || carrier->feed_role != TOLL_FEED_BILL;
    }
    for (uint32_t i = 1; i < book->owner_count && !book->has_bundles; i++)
        book->has_bundles = book->owners[i].pool_count > 0;
}

static void set_sourcing(struct toll_tax_tables *tax)
{
    for (uint32_t i = 1; i < tax->tax_count; i++) {
        tax->origin = tax->origin || tax->taxes[i].sourcing == TOLL_TAX_BY_ORIGIN;
        tax->two_of_three = tax->two_of_three || tax->taxes[i].sourcing == TOLL_TAX_TWO_OF_THREE;
    }
    tax->legs = tax->origin || tax->two_of_three;
}

static int set_zones(struct toll_book *book, const struct toll_image_view *view, struct owned *owned,
                     const char *name, struct toll_error *error)
{
    const struct toll_embedded *zones = view->data[TOLL_SECTION_ZONES];
    const uint8_t *bytes = view->data[TOLL_SECTION_ZONE_BYTES];
    const uint64_t count = view->count[TOLL_SECTION_ZONES];
    struct toll_hash128 hash;
    int code = 0;

    if (count == 0)
        return bad(error, name, "it has no zone");
    owned->zones = calloc(count, sizeof(*owned->zones));
    if (owned->zones == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
    owned->zone_count = (uint32_t)count;
    for (uint64_t i = 0; i < count && code == 0; i++) {
        if (!toll_check_text(book, zones[i].name) ||
            !toll_check_range(zones[i].offset, zones[i].bytes, view->count[TOLL_SECTION_ZONE_BYTES]))
            return bad(error, name, "a zone");
        const char *zone_name = toll_book_string(book, zones[i].name);
        if (zones[i].bytes > 0) {
            code =
                toll_zone_parse(bytes + zones[i].offset, zones[i].bytes, zone_name, &owned->zones[i], error);
            continue;
        }
        if (strcmp(zone_name, "UTC") != 0)
            return bad(error, name, "a zone without bytes");
        owned->zones[i] = toll_zone_utc();
        if (owned->zones[i] == NULL)
            return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
    }
    if (code != 0)
        return code;
    if (!toll_image_tzdata_hash(zones, count, book->strings, bytes, &hash))
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
    if (!toll_hash_equal(hash, view->header->tzdata_hash))
        return bad(error, name, "the hash of its zones");
    book->zones = owned->zones;
    book->zone_count = owned->zone_count;
    return 0;
}

/* What is far is hashed beside the checks, which believe nothing they read. */
struct far {
    const struct toll_image_view *view;
    bool good;
};

static void *hash_far(void *argument)
{
    struct far *far = argument;
    far->good = toll_image_far_good(far->view);
    return NULL;
}

static int check_image(struct toll_book *book, const struct toll_image_view *view, const char *name,
                       struct toll_error *error)
{
    const char *problem = set_meta(book, view);
    int code;

    if (problem != NULL)
        return bad(error, name, problem);
    code = set_zones(book, view, book->owned, name, error);
    if (code != 0)
        return code;
    problem = toll_image_check(book, view);
    if (problem == toll_check_no_memory)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
    return problem == NULL ? 0 : bad(error, name, problem);
}

/* Everything but freeing: on failure the caller closes the book. */
static int open_image(struct toll_book *book, const uint8_t *image, size_t bytes, bool made, uint8_t *near,
                      const char *name, struct toll_error *error)
{
    struct toll_image_view view;
    struct far far = {.view = &view, .good = true};
    pthread_t thread;
    bool threaded = false;
    int code = toll_image_view(image, bytes, made, near, name, &view, error);

    if (code != 0)
        return code;
    book->image = image;
    book->image_bytes = bytes;
    book->book_hash = view.header->book_hash;
    book->tzdata_hash = view.header->tzdata_hash;
    if (near != NULL) {
        threaded = bytes >= THREAD_BYTES && pthread_create(&thread, NULL, hash_far, &far) == 0;
        if (!threaded)
            hash_far(&far);
    }
    if (threaded || far.good)
        code = check_image(book, &view, name, error);
    if (threaded)
        pthread_join(thread, NULL);
    if (!far.good) /* which says more than whatever the checks found */
        return toll_image_far_bad(name, error);
    if (code != 0)
        return code;
    set_assigned(book);
    set_sourcing(&book->tax);
    return 0;
}

static struct toll_book *book_create(const char *name, struct toll_error *error)
{
    struct toll_book *book = calloc(1, sizeof(*book));

    if (book != NULL)
        book->owned = calloc(1, sizeof(struct owned));
    if (book != NULL && book->owned != NULL)
        return book;
    free(book);
    toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
    return NULL;
}

static int open_bytes(const uint8_t *image, size_t bytes, bool made, const char *name, struct toll_book **out,
                      struct toll_error *error)
{
    struct toll_book *book = book_create(name, error);
    int code;

    *out = NULL;
    if (book == NULL)
        return TOLL_ENOMEM;
    code = open_image(book, image, bytes, made, NULL, name, error);
    if (code != 0) {
        toll_book_close(book);
        return code;
    }
    *out = book;
    return 0;
}

int toll_book_open_bytes(const uint8_t *image, size_t bytes, const char *name, struct toll_book **out,
                         struct toll_error *error)
{
    return open_bytes(image, bytes, false, name, out, error);
}

int toll_book_open_made(const uint8_t *image, size_t bytes, const char *name, struct toll_book **out,
                        struct toll_error *error)
{
    return open_bytes(image, bytes, true, name, out, error);
}

/* The pages of a mapped file are small. A very large book serves as it is. */
static int open_mapped(struct toll_book *book, const char *path, struct toll_error *error)
{
    struct owned *owned = book->owned;

    if (owned->blob.size > 0 && owned->blob.size <= COPY_BYTES)
        owned->image = toll_large_alloc(owned->blob.size);
    return open_image(book, (const uint8_t *)owned->blob.data, owned->blob.size, false, owned->image, path,
                      error);
}

/* A folder is compiled, a file mapped: in both cases these are the image's bytes. */
static int find_image(const struct toll_io *io, const char *path, const struct toll_reporter *reporter,
                      struct owned *owned, const uint8_t **image, size_t *bytes, struct toll_error *error)
{
    struct toll_compile_result result;
    struct stat status;
    int code = io->fstatat(io->context, AT_FDCWD, path, &status, 0);

    if (code < 0)
        return toll_error_errno(error, code == -ENOENT ? TOLL_ENOINPUT : TOLL_EIO, -code, "%s: cannot open",
                                path);
    if (S_ISDIR(status.st_mode)) {
        code = toll_book_compile(io, path, reporter, &owned->image, bytes, &result, error);
        *image = owned->image;
        return code;
    }
    code = toll_blob_read(&owned->blob, io, AT_FDCWD, path, TOLL_READ_MMAP, error);
    *image = (const uint8_t *)owned->blob.data;
    *bytes = owned->blob.size;
    return code != 0 ? code : toll_image_head_check(*image, *bytes, path, error);
}

int toll_book_open_watched(const struct toll_io *io, const char *path, const struct toll_reporter *reporter,
                           const struct toll_book_watch *watch, struct toll_book **out,
                           struct toll_error *error)
{
    struct toll_book *book = book_create(path, error);
    struct owned *owned;
    const uint8_t *image;
    size_t bytes;
    int code;

    *out = NULL;
    if (book == NULL)
        return TOLL_ENOMEM;
    owned = book->owned;
    code = find_image(io, path, reporter, owned, &image, &bytes, error);
    if (code == 0 && watch != NULL)
        watch->begin(watch->context, image, bytes);
    if (code == 0) {
        const bool made = owned->image != NULL;
        code =
            made ? open_image(book, image, bytes, true, NULL, path, error) : open_mapped(book, path, error);
        /* An image that this program has just made is sound, or the program is not. */
        TOLL_ASSERT(!made || code != TOLL_EDATA);
        if (code != 0 && watch != NULL)
            watch->end(watch->context);
    }
    if (code != 0) {
        toll_book_close(book);
        return code;
    }
    *out = book;
    return 0;
}

int toll_book_open(const struct toll_io *io, const char *path, const struct toll_reporter *reporter,
                   struct toll_book **out, struct toll_error *error)
{
    return toll_book_open_watched(io, path, reporter, NULL, out, error);
}

void toll_book_close(struct toll_book *book)
{
    struct owned *owned;

    if (book == NULL)
        return;
    owned = book->owned;
    for (uint32_t i = 0; i < owned->zone_count; i++)
        toll_zone_free(owned->zones[i]);
    free(owned->zones);
    free(owned->image);
    toll_blob_free(&owned->blob);
    free(owned);
    free(book);
}
