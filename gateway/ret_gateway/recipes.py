"""Recipes: options of comparisons under a name, kept as long as the session."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.status import HTTP_204_NO_CONTENT

from ret.diff.v1 import diff_pb2
from ret_gateway import comparison_answers as answers
from ret_gateway import comparison_models as bodies
from ret_gateway.access import API, SESSION_NEEDED, Services, SignedIn
from ret_gateway.models import NAME_LIMIT, PRINTABLE
from ret_kit.errors import NotFound

router = APIRouter(
    prefix=f"{API}/comparison-recipes", tags=["comparison"], route_class=SignedIn, dependencies=SESSION_NEEDED
)
RecipeName = Annotated[str, Path(min_length=1, max_length=NAME_LIMIT, pattern=PRINTABLE)]


async def _all(services: Services) -> list[bodies.Recipe]:
    answer = await services.diff.ListRecipes(diff_pb2.ListRecipesRequest())
    return [answers.recipe(one) for one in answer.recipes]


@router.get("")
async def list_recipes(services: Services) -> bodies.RecipeList:
    """The session's recipes by name."""
    recipes = await _all(services)
    return bodies.RecipeList(items=recipes, total=len(recipes))


@router.get("/{name:path}")  # an encoded slash of a name arrives as a slash
async def get_recipe(name: RecipeName, services: Services) -> bodies.Recipe:
    """One recipe."""
    for recipe in await _all(services):
        if recipe.name == name:
            return recipe
    raise NotFound(what="recipe")


@router.put("/{name:path}")
async def put_recipe(name: RecipeName, body: bodies.RecipeOptions, services: Services) -> bodies.Recipe:
    """Keeps options under a name, in the place of what had it before."""
    recipe = diff_pb2.Recipe(name=name, options=answers.options_of(body.options))
    return answers.recipe((await services.diff.PutRecipe(diff_pb2.PutRecipeRequest(recipe=recipe))).recipe)


@router.delete("/{name:path}", status_code=HTTP_204_NO_CONTENT)
async def delete_recipe(name: RecipeName, services: Services) -> None:
    """Forgets a recipe."""
    await services.diff.DeleteRecipe(diff_pb2.DeleteRecipeRequest(name=name))
