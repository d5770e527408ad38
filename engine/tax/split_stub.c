#include "tax/components.h"
uint32_t toll_tax_split_find(const struct toll_tax_tables *tables, int32_t product, int service, int class_, int jurisdiction)
{
    for (uint32_t i = 1; i < tables->split_count; i++) {
        const struct toll_tax_split *s = &tables->splits[i];
        if ((s->product == 0 || s->product == product) && (s->service < 0 || s->service == service) && (s->class_ < 0 || s->class_ == class_) && (s->jurisdiction < 0 || s->jurisdiction == jurisdiction))
            return i;
    }
    return 0;
}
