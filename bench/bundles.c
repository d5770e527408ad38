/* The plain world with bundles. */
#include "bundles.h"
#include "book_file.h"

#include <stdio.h>

static int write_bundles(const char *folder, const char *rows)
{
    FILE *file =
        create(folder, "bundles.csv", "bundle,unit,quantity,scope,jurisdictions,rollover_periods,at_limit");
    if (file == NULL)
        return -1;
    fputs(rows, file);
    return fclose(file) == 0 ? 0 : -1;
}

int toll_bundles_write_tables(const char *folder, const struct toll_world_size *size)
{
    if (write_bundles(folder, "minutes,s,100000,account,,1,overage\n") != 0)
        return -1;
    FILE *file = create(folder, "subscriptions.csv", "subject,bundle");
    if (file == NULL)
        return -1;
    for (uint32_t account = 1; account < size->numbers / 10; account += 4)
        fprintf(file, "account:A%06u,minutes\n", account);
    return fclose(file) == 0 ? 0 : -1;
}

int toll_bundles_write(const char *folder, const struct toll_world_size *size)
{
    return toll_world_write(folder, size) == 0 ? toll_bundles_write_tables(folder, size) : -1;
}

int toll_pools_write(const char *folder, const struct toll_world_size *size)
{
    static const char inland[] = "intrastate;interstate;local;indeterminate";
    char rows[256];
    snprintf(rows, sizeof rows,
             "shared,s,%llu,pool,%s,0,overage\n"
             "each,s,3000,number,%s,0,overage\n",
             (unsigned long long)size->cdrs * 25, inland, inland);
    if (toll_world_write(folder, size) != 0 || write_bundles(folder, rows) != 0)
        return -1;
    FILE *file = create(folder, "subscriptions.csv", "subject,bundle,pool");
    if (file == NULL)
        return -1;
    for (uint32_t account = 0; account < size->numbers / 10; account++)
        if (account % 2 == 0)
            fprintf(file, "account:A%06u,shared,all\n", account);
        else if (account % 8 == 1)
            fprintf(file, "account:A%06u,each,\n", account);
    return fclose(file) == 0 ? 0 : -1;
}
